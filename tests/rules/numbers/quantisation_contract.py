"""Cases of NUM006."""

from __future__ import annotations

from pathlib import Path

import torch
from rule_cases import Case, Expected


def healthy(folder: Path) -> Path:
    torch.save({"w": torch.ones(2)}, folder / "model.pt")
    return folder / "model.pt"


def broken(folder: Path) -> Path:
    torch.save({"w": torch.zeros(2)}, folder / "model.pt")
    return folder / "model.pt"


CASES = (
    Case("say what passes", healthy, (Expected("pass"),)),
    Case("say what fails", broken, (Expected("fail", "warning"),)),
)
