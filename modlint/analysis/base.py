"""The bases of analyses: pure computations that rules share, each done once per checkpoint.

An analysis is a frozen struct whose fields are its parameters: two rules that ask for equal
analyses share one result. The modules here declare analyses and stay light; what comes out
lies in `modlint.results`, and the numerics, which import torch, in `modlint.numerics`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct

from modlint.checkpoint import Checkpoint, Tensor
from modlint.network import Network

if TYPE_CHECKING:
    import torch

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


class Analysis(Struct, Generic[R], frozen=True):
    """Base of all analyses.

    Attributes:
        name: for `modlint plugins` ("tensor-statistics").
        description: one line for `modlint plugins`.
        by_plugin: whether it is only declared: a plugin offers a subclass that computes it.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    by_plugin: ClassVar[bool] = False


class FileAnalysis(Analysis[R], frozen=True):
    """Computed on the file's structure; never needs torch."""

    def compute(self, checkpoint: Checkpoint) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this file; rules become inconclusive.
        """
        raise NotImplementedError


class TensorAnalysis(Analysis[R], frozen=True):
    """Computed on one tensor at a time; the engine visits each tensor once for all of them."""

    def accepts(self, tensor: Tensor) -> bool:
        """Whether the analysis has something to say of such a tensor."""
        raise NotImplementedError

    def measure(self, values: torch.Tensor, tensor: Tensor) -> R:
        """Measure.

        Args:
            values: the elements, in the tensor's shape and dtype, on the run's device; read-only.
            tensor: what the file says of it.
        """
        raise NotImplementedError


class Inputs(Protocol):
    """What a network analysis may read."""

    @property
    def device(self) -> torch.device:
        """Where to compute."""
        ...

    @property
    def progress(self) -> Progress:
        """To be called as work is done."""
        ...

    def weight(self, name: str) -> torch.Tensor:
        """A tensor's values by its name, on the device; read-only."""
        ...

    def result(self, analysis: NetworkAnalysis[R]) -> R:
        """Another analysis' result on the same network, computed once.

        Raises:
            Unavailable: it has none.
        """
        ...


class NetworkAnalysis(Analysis[R], frozen=True):
    """Computed on one network."""

    def compute(self, network: Network, inputs: Inputs) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this network; rules become inconclusive.
        """
        raise NotImplementedError
