"""CLU002: modules of very unequal size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.analysis.modules import ModuleClusters
from modlint.network import Network
from modlint.rule import Examination, Need
from modlint.targets import of_network
from modlint.verdict import Verdict
from modlint_rules.clusterability import UNBALANCED_CLUSTERS
from modlint_rules.clusterability.modular import ModularRule
from modlint_rules.clusterability.options import ModuleOptions
from modlint_rules.clusterability.size import with_parts

_HELP = (
    "read the verdict of CLU007 with care, since one module holds most of the network: look at the"
    " others by modlint clusters; networks side by side (CLU005) are tested apart"
)


class UnbalancedClustersOptions(ModuleOptions, frozen=True):
    """Options of CLU002."""

    min_balance: Annotated[
        float,
        msgspec.Meta(
            description="effective modules as a share of all, below which it is a finding",
            ge=0,
            le=1,
        ),
    ] = 0.5
    max_largest_share: Annotated[
        float,
        msgspec.Meta(
            description="share of the neurons in one module above which it is a finding",
            ge=0,
            le=1,
        ),
    ] = 0.5


class UnbalancedClusters(ModularRule[UnbalancedClustersOptions], reference=UNBALANCED_CLUSTERS):
    """How evenly the neurons are spread over the modules."""

    options_type = UnbalancedClustersOptions

    def needs(self) -> tuple[Need, ...]:
        """The test that CLU007 makes, and the clusters that it finds."""
        return with_parts(self.options.test, ModuleClusters(self.options.test))

    def judge_modules(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge the sizes of the modules, if there are any."""
        options, target = self.options, of_network(network)
        options.require_enough_shuffles()
        found = file.result(options.test, network)
        if not options.holds(found):
            yield self.not_applicable(target, f"{options.reading(found)} (CLU007)")
            return
        clusters = file.result(ModuleClusters(options.test), network)
        shares = [size / sum(clusters.sizes) for size in clusters.sizes]
        effective = math.exp(-sum(share * math.log(share) for share in shares))
        balance, largest = effective / len(shares), max(shares)
        yield self.decided(
            target,
            f"{len(shares)} modules of {clusters.sizes[0]:,} to {clusters.sizes[-1]:,} neurons,"
            f" as diverse as {effective:.1f} equal ones; the largest holds {largest:.0%}",
            passes=balance >= options.min_balance and largest <= options.max_largest_share,
            help=_HELP,
            values={
                "clusters": len(shares),
                "seed": options.seed,
                "neurons": clusters.neurons,
                "isolated_units": clusters.isolated_units,
                "sizes": clusters.sizes,
                "balance": balance,
                "largest_share": largest,
            },
            limit={
                "balance": {"min": options.min_balance},
                "largest_share": {"max": options.max_largest_share},
            },
            confidence=network.confidence,
        )
