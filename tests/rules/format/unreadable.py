"""Cases of FMT001."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file


def tensors(folder: Path) -> Path:
    save_file({"w": torch.ones(64, 64)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def truncated(folder: Path) -> Path:
    path = tensors(folder)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def holding(content: bytes, name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def unknown(name: str, severity: str, message: str) -> tuple[Expected, ...]:
    return (Expected("fail", severity, target=("file", name), message=message),)


TEXT = b"import os; import sys\n"

CASES = (
    Case("a whole file passes", tensors, (Expected("pass", values={"faults": 0}),)),
    Case("a truncated file is an error", truncated, (Expected("fail", "error", "high"),)),
    Case(
        "an empty file is said to be empty",
        holding(b"", "model.pt"),
        unknown("model.pt", "error", "the file is empty"),
    ),
    Case(
        "an empty file of no checkpoint's name is a note",
        holding(b"", "notes.txt"),
        unknown("notes.txt", "note", "the file is empty"),
    ),
    Case(
        "something else under a checkpoint's name is an error",
        holding(TEXT, "model.PTH"),
        unknown("model.PTH", "error", "is a text file, not a checkpoint"),
    ),
    Case(
        "something else under another name is a note",
        holding(TEXT, "notes.bin"),
        unknown("notes.bin", "note", "is a text file, not a checkpoint"),
    ),
)
