"""CLU002: clusters of very unequal size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.network import Network
from modlint.rule import Examination, Need
from modlint.targets import of_network
from modlint.verdict import Verdict
from modlint_rules.clusterability import UNBALANCED_CLUSTERS
from modlint_rules.clusterability.options import PartitionOptions
from modlint_rules.clusterability.size import GraphRule, with_parts

_HELP = (
    "read CLU001's verdict with care, since one cluster holds most of the network; look for units"
    " cut off from the rest (NEU001), or ask for fewer clusters"
)


class UnbalancedClustersOptions(PartitionOptions, frozen=True):
    """Options of CLU002."""

    min_balance: Annotated[
        float,
        msgspec.Meta(
            description="effective clusters as a share of all, below which it is a finding",
            ge=0,
            le=1,
        ),
    ] = 0.5
    max_largest_share: Annotated[
        float,
        msgspec.Meta(
            description="share of the neurons in one cluster above which it is a finding",
            ge=0,
            le=1,
        ),
    ] = 0.5


class UnbalancedClusters(GraphRule[UnbalancedClustersOptions], reference=UNBALANCED_CLUSTERS):
    """How evenly the neurons are spread over the clusters."""

    options_type = UnbalancedClustersOptions

    def needs(self) -> tuple[Need, ...]:
        """The partition that CLU001 finds too."""
        return with_parts(self.options.partition)

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge the sizes of the clusters."""
        options = self.options
        clusters = file.result(options.partition, network)
        shares = [size / sum(clusters.sizes) for size in clusters.sizes]
        effective = math.exp(-sum(share * math.log(share) for share in shares))
        balance, largest = effective / len(shares), max(shares)
        values = {
            "clusters": options.clusters,
            "seed": options.seed,
            "neurons": clusters.neurons,
            "isolated_units": clusters.isolated_units,
            "sizes": clusters.sizes,
            "balance": balance,
            "largest_share": largest,
        }
        limit = {
            "balance": {"min": options.min_balance},
            "largest_share": {"max": options.max_largest_share},
        }
        message = (
            f"{len(shares)} clusters of {clusters.sizes[0]:,} to {clusters.sizes[-1]:,} neurons,"
            f" as diverse as {effective:.1f} equal ones; the largest holds {largest:.0%}"
        )
        yield self.decided(
            of_network(network),
            message,
            passes=balance >= options.min_balance and largest <= options.max_largest_share,
            help=_HELP,
            values=values,
            limit=limit,
            confidence=network.confidence,
        )
