"""Checkpoints that the command line is tried on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    """A small MLP as torch writes it."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4)]
    path = tmp_path / "healthy.pt"
    torch.save(torch.nn.Sequential(*layers).state_dict(), path)
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A tensor with a NaN in it."""
    path = tmp_path / "broken.pt"
    torch.save({"fc.weight": torch.tensor([[1.0, float("nan")], [0.5, 2.0]])}, path)
    return path
