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

GRAPH_WORTHWHILE = 100_000_000
"""Edges of shuffled graphs that two cores take about 8 s to cluster: to import torch, start a GPU
and copy a graph there takes half of that (not measured on a GPU)."""

TORCH_WORTHWHILE = 20_000_000
"""Elements of what only torch computes, and is loaded for in any case."""

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
    return _choose(setting, worthwhile=elements >= VISITS_WORTHWHILE)


def choose_graph_device(setting: str, work: int) -> Device:
    """Where to compute with a graph: "cpu", with numpy, or a GPU, with torch.

    Args:
        setting: "auto", "cpu" or "cuda".
        work: edges of all graphs that are computed with: connections times shuffles.

    Raises:
        UsageError: "cuda" is asked for and there is none.
    """
    return _choose(setting, worthwhile=work >= GRAPH_WORTHWHILE)


def choose_torch_device(setting: str, elements: int) -> torch.device:
    """Where torch computes what only it does; imports torch.

    Raises:
        UsageError: "cuda" is asked for and there is none.
    """
    import torch

    device = _choose(setting, worthwhile=elements >= TORCH_WORTHWHILE)
    return torch.device("cpu") if isinstance(device, str) else device


def _choose(setting: str, *, worthwhile: bool) -> Device:
    if setting == "cpu" or (setting == "auto" and not worthwhile):
        return "cpu"
    if setting == "auto" and not (_has_torch() and _may_have_gpu()):
        return "cpu"
    if not _has_torch():
        raise UsageError("--device cuda: needs torch: pip install 'modlint[torch]'")
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if setting == "cuda":
        raise UsageError("--device cuda: torch finds no CUDA device here; use auto or cpu")
    return "cpu"


def _has_torch() -> bool:
    return find_spec("torch") is not None


def _may_have_gpu() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return sys.platform == "win32" or any(Path(driver).exists() for driver in _DRIVERS)
