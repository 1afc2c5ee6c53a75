"""How to cluster and to test, as analyses describe it to the numerics."""

from __future__ import annotations

from typing import Any, Protocol

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.results.clusters import Method, Null


class SizeSpec(Protocol):
    """Up to which size a graph is looked at."""

    @property
    def max_connections(self) -> int:
        """Graphs of more edges have no answer."""
        ...


class PartitionSpec(SizeSpec, Protocol):
    """How a graph is clustered; `modlint.analysis.clustering.Partition` says what each part is."""

    @property
    def clusters(self) -> int:
        """Number of clusters, k."""
        ...

    @property
    def seed(self) -> int:
        """Names the random streams."""
        ...

    @property
    def graph(self) -> Any:
        """The analysis whose result is the graph."""
        ...


def require_size(network: Network, spec: SizeSpec) -> None:
    """Refuse a graph of more edges than a description says.

    Raises:
        Unavailable: it has more.
    """
    if network.connections > spec.max_connections:
        raise Unavailable(
            f"the graph has {network.connections:,} connections, more than the "
            f"{spec.max_connections:,} that are clustered unless asked for by max-connections"
        )


class TestSpec(Protocol):
    """How a partition is tested, as `modlint.analysis.clustering.ClusterTest` says it."""

    @property
    def partition(self) -> PartitionSpec:
        """How each graph is clustered."""
        ...

    @property
    def shuffles(self) -> int:
        """The most shuffled networks."""
        ...

    @property
    def null(self) -> Null:
        """Which entries are permuted."""
        ...

    @property
    def method(self) -> Method:
        """The statistic."""
        ...

    @property
    def extremes(self) -> int | None:
        """After how many extreme shuffles on both sides the test stops."""
        ...

    @property
    def budget(self) -> float | None:
        """Seconds that it may take."""
        ...


class PictureSpec(Protocol):
    """What a picture shows, as `modlint.analysis.cluster_views.ReorderedWeights` says it."""

    @property
    def partition(self) -> PartitionSpec:
        """Whose clusters."""
        ...

    @property
    def pixels(self) -> int:
        """Most rows and columns of an image."""
        ...

    @property
    def layers(self) -> int:
        """Most layers."""
        ...
