"""CLU003: clusters that depend on scales which the network's function does not."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec

from modlint.analysis.graphs import BalancedGraph
from modlint.analysis.scales import UnitScales
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.rule import Examination, Need
from modlint.targets import of_network
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.clusterability import SCALE_DEPENDENT_CLUSTERS
from modlint_rules.clusterability.options import PartitionOptions
from modlint_rules.clusterability.size import GraphRule, with_parts

_SCALES = UnitScales()
_HELP = (
    "do not compare this n-cut, or CLU001's verdict, with another network's; scale each hidden unit"
    " so that its weights in are as strong as those out (a ReLU network's function stays the"
    " same), then measure again"
)


class ScaleDependentClustersOptions(PartitionOptions, frozen=True):
    """Options of CLU003."""

    max_spread: Annotated[
        float,
        msgspec.Meta(
            description="median over the hidden layers of the standard deviation of"
            " ln(strength in / strength out) above which it is a finding",
            gt=0,
        ),
    ] = 0.9
    max_offset: Annotated[
        float,
        msgspec.Meta(
            description="by how much the mean of ln(strength in / strength out) of a layer may"
            " differ from that of layers of usual scales",
            gt=0,
        ),
    ] = 8.0


class ScaleDependentClusters(
    GraphRule[ScaleDependentClustersOptions], reference=SCALE_DEPENDENT_CLUSTERS
):
    """How far the scales of hidden units differ that a ReLU network's function leaves free."""

    options_type = ScaleDependentClustersOptions
    absent = "no network of the file has a hidden layer whose scales can be measured"

    def needs(self) -> tuple[Need, ...]:
        """The scales, and both partitions, which are asked for when the rule speaks."""
        return with_parts(
            _SCALES, self.options.partition, self.options.partition_of(BalancedGraph())
        )

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge the median spread within layers, and the largest offset between them."""
        target = of_network(network)
        layers = file.result(_SCALES, network)
        if not layers:
            return
        spread = statistics.median(layer.spread for layer in layers)
        farthest = max(layers, key=lambda layer: abs(layer.offset))
        values = {
            "spread": spread,
            "spreads": {layer.layer: layer.spread for layer in layers},
            "offset": abs(farthest.offset),
            "offsets": {layer.layer: layer.offset for layer in layers},
        }
        limit = {
            "spread": {"max": self.options.max_spread},
            "offset": {"max": self.options.max_offset},
        }
        message = (
            f"ln(strength in/out) of units has standard deviation {spread:.2f}"
            f" (median of {count(len(layers), 'layer')}), offset {abs(farthest.offset):.1f}"
        )
        if abs(farthest.offset) > self.options.max_offset:
            message += f" in layer {farthest.layer}"
        elif spread <= self.options.max_spread:
            yield self.passed(
                target, message, values=values, limit=limit, confidence=network.confidence
            )
            return
        cuts = self._cuts(network, file)
        yield self.failed(
            target,
            f"{message}: clusters depend on scales that do not change the function"
            f"{_compared(cuts)}",
            help=_HELP,
            values=values | cuts,
            limit=limit,
            confidence=network.confidence,
        )

    def _cuts(self, network: Network, file: Examination) -> dict[str, Any]:
        """The n-cut as it is and when balanced; nothing where the network cannot be clustered."""
        options = self.options
        raw = options.partition
        balanced = options.partition_of(BalancedGraph())
        try:
            return {
                "clusters": options.clusters,
                "seed": options.seed,
                "ncut": file.result(raw, network).ncut,
                "balanced_ncut": file.result(balanced, network).ncut,
            }
        except Unavailable:
            return {}


def _compared(cuts: Mapping[str, Any]) -> str:
    if not cuts:
        return ""
    return f" (n-cut {cuts['ncut']:.2f}, balanced {cuts['balanced_ncut']:.2f})"
