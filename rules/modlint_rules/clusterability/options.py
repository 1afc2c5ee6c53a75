"""The options that all rules on one partition share."""

from __future__ import annotations

from typing import Annotated

import msgspec

from modlint.analysis.clustering import MAX_CONNECTIONS, Partition
from modlint.rule import Options


class PartitionOptions(Options, frozen=True):
    """Which partition of the neurons a rule judges; rules that agree on it share the work."""

    clusters: Annotated[
        int, msgspec.Meta(description="number of clusters that neurons are put into", ge=2)
    ] = 12
    seed: Annotated[
        int, msgspec.Meta(description="names the random numbers of k-means and shuffles", ge=0)
    ] = 0
    max_connections: Annotated[
        int,
        msgspec.Meta(description="connections above which a network is not clustered", ge=1),
    ] = MAX_CONNECTIONS

    @property
    def partition(self) -> Partition:
        """The analysis."""
        return Partition(self.clusters, self.seed, self.max_connections)
