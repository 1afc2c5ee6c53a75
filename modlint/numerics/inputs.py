"""What the numerics may read of a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import torch

Array: TypeAlias = Any
"""A numpy array on the CPU, a torch tensor where torch computes.

Code that takes either uses what both spell alike (`abs(x)`, `x.any(1)`, `x.swapaxes(0, 1)`), and
`modlint.numerics.tensor.arrays` for the rest."""

Device: TypeAlias = "Literal['cpu'] | torch.device"
"""Where to compute: "cpu" with numpy, a `torch.device` with torch."""


class Chunk(Protocol):
    """Some of a tensor's elements, as `modlint.analysis.base.Chunk` says it."""

    @property
    def stored(self) -> Array:
        """As they are stored, (rows, columns, rest)."""
        ...

    @property
    def floats(self) -> Array:
        """In float32 where that is exact, else as `values`."""
        ...

    @property
    def values(self) -> Array:
        """Float64 or complex128, (rows, columns, rest)."""
        ...

    @property
    def rows(self) -> slice:
        """Their indices along the first axis."""
        ...

    @property
    def columns(self) -> slice:
        """Their indices along the second axis."""
        ...

    @property
    def start(self) -> int:
        """Row-major index of the first."""
        ...


class Inputs(Protocol):
    """The weights of one network, and where to compute; analyses hand it on."""

    @property
    def device(self) -> Device:
        """Where to compute what is computed with numpy and torch alike."""
        ...

    def device_for(self, work: int) -> Device:
        """Where to compute with a network's graph, by the edges that are to be visited in all."""
        ...

    @property
    def progress(self) -> Callable[[str, int, int], None]:
        """To be called as work is done."""
        ...

    def weight(self, name: str) -> Array:
        """A tensor's values by its name, on the device; read-only."""
        ...

    def stored(self, name: str) -> Array:
        """A tensor's elements as they are stored, be they codes that need a scale; read-only."""
        ...

    def result(self, analysis: Any, subject: Any) -> Any:
        """The result of an analysis that a description names, on a subject."""
        ...
