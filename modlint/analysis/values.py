"""Where a file's analyses compute, and the values that they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modlint.checkpoint import Tensor

if TYPE_CHECKING:
    import torch


def device_for(setting: str, elements: int) -> torch.device:
    """The device of a setting ("auto", "cpu", "cuda") for a file of so many elements.

    Raises:
        UsageError: there is no such device here.
    """
    from modlint.numerics.tensor.device import choose_device

    return choose_device(setting, elements)


def values_on(device: torch.device, tensor: Tensor) -> torch.Tensor:
    """A tensor's values on a device, not to be written to.

    Raises:
        Unavailable: torch cannot hold them.
        UnreadableError: the bytes cannot be read.
    """
    from modlint.numerics.tensor.values import to_torch

    return to_torch(tensor, device)
