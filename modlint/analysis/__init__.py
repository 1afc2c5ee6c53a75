"""Analyses: pure computations that rules share, each done once per checkpoint.

An analysis is a frozen dataclass whose fields are its parameters: two rules that ask for equal
analyses share one result. The modules here declare analyses and their results and stay light;
the numerics, which import torch, live in `modlint.analysis.numerics`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from modlint.checkpoint import Checkpoint, Tensor
from modlint.hookspecs import hookimpl
from modlint.network import Network

if TYPE_CHECKING:
    import torch

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


class Analysis(Generic[R]):
    """Base of all analyses.

    Attributes:
        name: for `modlint plugins` ("tensor-statistics").
        description: one line for `modlint plugins`.
    """

    name: ClassVar[str]
    description: ClassVar[str]


class FileAnalysis(Analysis[R]):
    """Computed on the file's structure; never needs torch."""

    def compute(self, checkpoint: Checkpoint) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this file; rules become inconclusive.
        """
        raise NotImplementedError


class TensorAnalysis(Analysis[R]):
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


class NetworkAnalysis(Analysis[R]):
    """Computed on one network."""

    def compute(self, network: Network, inputs: Inputs) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this network; rules become inconclusive.
        """
        raise NotImplementedError


@hookimpl
def modlint_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analyses that modlint's own rules consume."""
    from modlint.analysis.checksums import Checksums
    from modlint.analysis.cluster_views import ClusterWeights, LaplacianSpectrum, ReorderedWeights
    from modlint.analysis.clustering import ClusterTest, Partition, SpectralSum
    from modlint.analysis.components import Components
    from modlint.analysis.flow import CarryingUnits, Flow, NegligibleUnits
    from modlint.analysis.graphs import BalancedGraph, CarryingGraph, FlowGraph
    from modlint.analysis.onnx_check import OnnxCheck
    from modlint.analysis.openings import Openings
    from modlint.analysis.scales import UnitScales
    from modlint.analysis.sparse import SparseIndices
    from modlint.analysis.statistics import TensorStatistics
    from modlint.analysis.texts import Texts
    from modlint.analysis.units import UnitWeights
    from modlint.analysis.weights import WeightGraph

    of_files = (Checksums, OnnxCheck, Openings, SparseIndices, Texts)
    of_units = (UnitWeights, UnitScales, Flow, NegligibleUnits, CarryingUnits, Components)
    graphs = (WeightGraph, CarryingGraph, FlowGraph, BalancedGraph)
    of_clusters = (Partition, SpectralSum, ClusterTest)
    views = (ClusterWeights, LaplacianSpectrum, ReorderedWeights)
    return (*of_files, TensorStatistics, *of_units, *graphs, *of_clusters, *views)
