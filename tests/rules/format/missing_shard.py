"""Cases of FMT003."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file

WHOLE = {"a": "one.safetensors", "b": "two.safetensors"}


def sharded(
    weight_map: dict[str, str], drop: str | None = None, total: int = 24, extra: bool = False
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        one = {"a": torch.ones(2), "extra": torch.ones(1)}
        save_file(one if extra else {"a": one["a"]}, folder / "one.safetensors")
        save_file({"b": torch.ones(4)}, folder / "two.safetensors")
        if drop is not None:
            (folder / drop).unlink()
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        path = folder / "model.safetensors.index.json"
        path.write_text(json.dumps(index))
        return path

    return write


def fails(kind: str, message: str, severity: str = "error") -> tuple[Expected, ...]:
    return (Expected("fail", severity, "high", None, {"kind": kind}, message),)


def cached(gone: bool) -> Callable[[Path], Path]:
    """A file of the hub's cache, whose blob is there or gone."""

    def write(folder: Path) -> Path:
        snapshot = folder / "models--acme--tiny" / "snapshots" / ("0" * 40)
        blob = snapshot.parent.parent / "blobs" / ("a" * 64)
        snapshot.mkdir(parents=True)
        blob.parent.mkdir()
        if not gone:
            save_file({"w": torch.ones(2)}, blob)
        (snapshot / "model.safetensors").symlink_to(Path("../../blobs") / blob.name)
        return snapshot / "model.safetensors"

    return write


CASES = (
    Case(
        "a snapshot whose blob is there passes",
        cached(gone=False),
        (Expected("pass", values={"files": 1}),),
    ),
    Case("a blob that is gone", cached(gone=True), fails("missing-blob", "a" * 64)),
    Case("a whole set passes", sharded(WHOLE), (Expected("pass"),)),
    Case(
        "a shard that is not there",
        sharded(WHOLE, drop="two.safetensors"),
        fails("missing-shard", "two.safetensors"),
    ),
    Case(
        "a tensor that its shard lacks",
        sharded({**WHOLE, "c": "one.safetensors"}),
        fails("missing-tensor", "'c'"),
    ),
    Case(
        "a tensor that the index lacks",
        sharded(WHOLE, extra=True),
        fails("extra-tensor", "'extra'"),
    ),
    Case(
        "another size than the index states",
        sharded(WHOLE, total=25),
        fails("wrong-total-size", "25 bytes", "warning"),
    ),
)
