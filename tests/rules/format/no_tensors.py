"""Cases of FMT014; test_planted_folders.py has the names that promise weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file


def saved(content: Any, name: str) -> Any:
    def write(folder: Path) -> Path:
        torch.save(content, folder / name)
        return folder / name

    return write


def empty(name: str) -> Any:
    def write(folder: Path) -> Path:
        save_file({}, folder / name)
        return folder / name

    return write


def without_its_shard(folder: Path) -> Path:
    path = folder / "model.safetensors.index.json"
    path.write_text('{"weight_map": {"w": "model-00001-of-00001.safetensors"}}')
    return path


FAILS = (Expected("fail", "error", "high", values={"tensors": 0}, message="holds no tensor"),)

CASES = (
    Case("weights pass", saved({"w": torch.ones(2)}, "pytorch_model.bin"),
         (Expected("pass", values={"tensors": 1}),)),
    Case("an adapter without tensors", saved({}, "adapter_model.bin"), FAILS),
    Case("safetensors without tensors", empty("model.safetensors"), FAILS),
    Case("by another name", empty("net.safetensors"), (Expected("fail", "warning"),)),
    Case("numbers named as weights", saved({"epoch": 3}, "model.bin"), FAILS),
    Case("training arguments", saved({"lr": 0.1}, "training_args.bin"),
         (Expected("not-applicable"),)),
    Case("an index whose shard is missing", without_its_shard, (Expected("inconclusive"),)),
)  # fmt: skip
