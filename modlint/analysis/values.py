"""Where a file's analyses compute, and the values that they are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modlint.analysis.base import Array, Chunk, Device
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.quantisation import QuantisedWeight

if TYPE_CHECKING:
    import torch

INSTALL = "pip install 'modlint[torch]'"
"""What installs what only torch computes."""


def device_for(setting: str, elements: int) -> Device:
    """Where to visit the tensors of a file, by a setting ("auto", "cpu", "cuda") and its elements.

    Raises:
        UsageError: there is no such device here.
    """
    from modlint.numerics.tensor.device import choose_device

    return choose_device(setting, elements)


def require_torch() -> None:
    """Refuse what only torch computes where it is not installed.

    Raises:
        Unavailable: it is not.
    """
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise Unavailable(f"this needs torch, which is not installed: {INSTALL}")


def torch_device_for(setting: str, elements: int) -> torch.device:
    """Where torch computes what only it does, by a setting and the number of elements.

    Raises:
        Unavailable: torch is not installed.
        UsageError: there is no such device here.
    """
    from modlint.numerics.tensor.device import choose_torch_device

    require_torch()
    return choose_torch_device(setting, elements)


def graph_device_for(setting: str, work: int) -> Device:
    """Where to compute with a network's graph, by a setting and the edges visited in all.

    Raises:
        UsageError: there is no such device here.
    """
    from modlint.numerics.tensor.device import choose_graph_device

    return choose_graph_device(setting, work)


def values_on(device: Device, tensor: Tensor) -> Array:
    """A tensor's values on a device, not to be written to.

    Raises:
        Unavailable: they are none to compute with.
        UnreadableError: the bytes cannot be read.
    """
    from modlint.numerics.tensor.values import values_of

    return values_of(tensor, device)


def dequantised_on(device: Device, weight: QuantisedWeight) -> Array:
    """A quantised weight's values on a device, in its own shape, in float32.

    Raises:
        Unavailable: how its codes become values is not known, it is too large, or cannot be read.
        UnreadableError: the bytes of a part cannot be read.
    """
    from modlint.numerics.quantisation.values import on

    return on(device, weight)


def parts_on(device: Device, tensor: Tensor) -> list[Iterator[Chunk]]:
    """A tensor's elements a cache's worth at a time, in parts that may be walked side by side.

    Both the parts and the chunks of each are in row-major order.

    Raises:
        Unavailable: they are none to compute with.
        UnreadableError: the bytes cannot be read.
    """
    from modlint.numerics.tensor.chunks import parts

    return list(parts(values_on(device, tensor)))
