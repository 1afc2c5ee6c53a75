"""Where to compute."""

from __future__ import annotations

import torch

from modlint.errors import UsageError

GPU_WORTHWHILE_ELEMENTS = 20_000_000
"""Elements below which the start-up of a GPU context (seconds) costs more than it saves."""


def choose_device(setting: str, elements: int) -> torch.device:
    """The device for `setting` ("auto", "cpu" or "cuda") and work on `elements` elements.

    Raises:
        UsageError: "cuda" is asked for and there is none.
    """
    if setting == "cpu" or (setting == "auto" and elements < GPU_WORTHWHILE_ELEMENTS):
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if setting == "cuda":
        raise UsageError("--device cuda: torch finds no CUDA device here; use auto or cpu")
    return torch.device("cpu")
