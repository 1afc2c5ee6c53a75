"""Cases of FMT010."""

from __future__ import annotations

from pathlib import Path

import torch
from rule_cases import Case, Expected
from zip_tricks import model


def from_gpu(folder: Path) -> Path:
    """Rewritten by hand: such a file is otherwise written only where there is a GPU."""
    path = folder / "model.pt"
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    old, new = b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))
    return path


CASES = (
    Case(
        "tensors of the CPU pass",
        model,
        (Expected("pass", target=("file", "model.pt"), values={"storages": 1, "bound": 0}),),
    ),
    Case(
        "tensors of a GPU",
        from_gpu,
        (Expected("fail", "note", "high", ("file", "model.pt"), {"bound": 1}, "from cuda:0 (1)"),),
    ),
)
