"""Where to compute, chosen without importing torch unless it is to be used."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from modlint.errors import UsageError
from modlint.numerics.inputs import Device

if TYPE_CHECKING:
    import torch

VISITS_WORTHWHILE = 4_000_000_000
"""Elements that numpy takes about 5 s to visit: to import torch, start a GPU and copy them there
takes no less."""

WORTHWHILE = 20_000_000
"""The same for what torch computes on either, and is loaded for in any case."""

_DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")
"""What Linux has where there is a GPU: NVIDIA's, Windows' (WSL) and AMD's drivers."""


def choose_device(setting: str, elements: int) -> Device:
    """Where to visit tensors of so many elements: "cpu", with numpy, or a GPU, with torch.

    Args:
        setting: "auto", "cpu" or "cuda".
        elements: how many there are.

    Raises:
        UsageError: "cuda" is asked for and there is none.
    """
    if setting == "cpu" or (setting == "auto" and elements < VISITS_WORTHWHILE):
        return "cpu"
    if setting == "auto" and not (_has_torch() and _may_have_gpu()):
        return "cpu"
    device = choose_torch_device(setting, elements)
    return "cpu" if device.type == "cpu" else device


def choose_torch_device(setting: str, elements: int) -> torch.device:
    """Where torch computes on a graph from so many elements; imports torch.

    Raises:
        UsageError: "cuda" is asked for and there is none.
    """
    if setting == "cuda" and not _has_torch():
        raise UsageError("--device cuda: needs torch: pip install 'modlint[torch]'")
    import torch

    if setting == "cpu" or (setting == "auto" and elements < WORTHWHILE):
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if setting == "cuda":
        raise UsageError("--device cuda: torch finds no CUDA device here; use auto or cpu")
    return torch.device("cpu")


def _has_torch() -> bool:
    return find_spec("torch") is not None


def _may_have_gpu() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return sys.platform == "win32" or any(Path(driver).exists() for driver in _DRIVERS)
