"""Cases of FMT016; tests/rules/format/test_planted_folders.py has one of each kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file

INDEX = "model.safetensors.index.json"


def sharded(*names: str, tensor: str = "a") -> Any:
    """Two shards and further files, each with one tensor."""

    def write(folder: Path) -> Path:
        weight_map = {n: f"model-0000{i}-of-00002.safetensors" for i, n in enumerate("ab", 1)}
        for key, name in weight_map.items():
            save_file({key: torch.ones(2)}, folder / name)
        for name in names:
            save_file({tensor: torch.zeros(2)}, folder / name)
        (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))
        return folder / INDEX

    return write


def single(folder: Path) -> Path:
    save_file({"a": torch.ones(2)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def stray(name: str, message: str, repeated: int | None = None) -> Expected:
    return Expected("fail", "warning", "high", ("file", name), {"repeated": repeated}, message)


WHOLE, OLD = "model.safetensors", "model-00003-of-00003.safetensors"

CASES = (
    Case("a whole set passes", sharded(), (Expected("pass", values={"shards": 2}),)),
    Case("no index", single, (Expected("not-applicable"),)),
    Case("a whole model and an old shard", sharded(WHOLE, OLD),
         (stray(OLD, "another save"), stray(WHOLE, "instead of the shards"))),
    Case("the same tensors by another name", sharded("copy.safetensors"),
         (stray("copy.safetensors", "1 tensor of the index again", 1),)),
    Case("other tensors pass", sharded("projector.safetensors", tensor="p"), (Expected("pass"),)),
    Case("Mistral's own file passes", sharded("consolidated.safetensors"), (Expected("pass"),)),
    Case("a variant passes", sharded("model.fp16.safetensors"), (Expected("pass"),)),
)  # fmt: skip
