"""Cases of FMT012."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file


def saved(content: object, zipped: bool = True) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(content, folder / "model.pt", _use_new_zipfile_serialization=zipped)
        return folder / "model.pt"

    return write


def safetensors(metadata: dict[str, str] | None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        save_file({"w": torch.ones(2)}, folder / "model.safetensors", metadata=metadata)
        return folder / "model.safetensors"

    return write


STATE = {"w": torch.ones(2)}

CASES = (
    Case("a state_dict in a zip passes", saved(STATE), (Expected("pass"),)),
    Case(
        "the format from before 1.6",
        saved(STATE, zipped=False),
        (Expected("fail", "note", "high", ("file", "model.pt"), {"format": "torch-legacy"}),),
    ),
    Case(
        "a whole module",
        saved(torch.nn.Linear(2, 2)),
        (Expected("fail", "note", message="holds a whole module"),),
    ),
    Case("safetensors that says so passes", safetensors({"format": "pt"}), (Expected("pass"),)),
    Case(
        "safetensors without `format`",
        safetensors(None),
        (Expected("fail", "note", message='states no "format"'),),
    ),
)
