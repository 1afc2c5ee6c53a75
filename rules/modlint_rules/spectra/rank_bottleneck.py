"""SPC002: all that reaches the output goes through a layer of too few directions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis.onnx_chains import LinearChains
from modlint.analysis.spectra import LayerRank
from modlint.network import Call, Network
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.targets import of_layer, of_network
from modlint.verdict import Verdict
from modlint_rules.base.dominators import passed_by_all
from modlint_rules.spectra import RANK_BOTTLENECK

_RANK = LayerRank()
_CHAINS = LinearChains()
_KINDS = frozenset({"linear", "conv", "conv-transpose"})
"""Of calls with a weight of their own."""


class RankBottleneckOptions(Options, frozen=True):
    """Options of SPC002."""

    min_width: Annotated[
        int, Meta(description="outputs that a network must have to be judged", ge=3)
    ] = 3


class RankBottleneck(NetworkRule[RankBottleneckOptions], reference=RANK_BOTTLENECK):
    """Layers that leave the output fewer directions than it has, though they could hold them."""

    options_type = RankBottleneckOptions
    absent = "no network of the file has one output and a layer that all of it runs through"

    def needs(self) -> tuple[Need, ...]:
        """The rank of each layer, and which follow one another."""
        return (_RANK, _CHAINS)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Findings, or how narrow the narrowest layer is that everything runs through."""
        outputs = [value for value in network.values if value.is_output]
        pairs = [self._pair(*pair, network) for pair in self._bare_pairs(network, file)]
        yield from pairs
        if len(outputs) != 1 or outputs[0].size < self.options.min_width:
            return
        width, ranks = outputs[0].size, dict[str, int]()
        for call in passed_by_all(network, outputs[0].name):
            if call.kind not in _KINDS:
                continue
            ranks[call.name] = file.result(_RANK, call).rank
            if ranks[call.name] < width - 1 <= _possible(call):
                yield self._bottleneck(call, ranks[call.name], width, network)
                return
        if ranks and not pairs:
            narrowest = min(ranks, key=lambda name: ranks[name])
            message = (
                f"the lowest rank of {len(ranks):,} layers that all of its output runs through is"
                f" {ranks[narrowest]:,}, as their widths allow"
            )
            values = {"rank": ranks[narrowest], "width": width, "layers": len(ranks)}
            target, confidence = of_network(network), network.confidence
            yield self.passed(target, message, values=values, confidence=confidence)

    def _bare_pairs(self, network: Network, file: Examination) -> Iterator[tuple[Call, Call]]:
        """Linear layers with nothing between them, the first no narrower than what is beside it."""
        by_weight = {call.weight: call for call in network.calls}
        chains = file.result(_CHAINS, file.checkpoint)
        for before, after in sorted(chains):
            first, second = by_weight.get(before), by_weight.get(after)
            if first is None or second is None or first is second:
                continue
            if first.rows >= min(first.columns, second.rows):
                yield first, second

    def _bottleneck(self, call: Call, rank: int, width: int, network: Network) -> Verdict:
        return self.failed(
            of_layer(call, network),
            f"rank {rank:,} of {_possible(call):,}, and all that reaches the {width:,} outputs runs"
            " through it: what they are given has fewer directions than they are",
            help=(
                "see why the layer lost directions: dead or copied units, a collapse in training;"
                " train it again, or narrow what comes after it"
            ),
            values={"rank": rank, "possible": _possible(call), "width": width},
            limit={"rank": {"min": width - 1}},
            confidence=network.confidence,
        )

    def _pair(self, first: Call, second: Call, network: Network) -> Verdict:
        return self.failed(
            of_layer(second, network),
            f"reads {first.name!r} with no activation between them, and {first.rows:,} units"
            f" between {first.columns:,} and {second.rows:,}: together they compute what one layer"
            " of fewer weights does",
            help="put the activation in that was meant, or multiply both weights into one layer",
            values={"first": first.name, "inner": first.rows, "second": second.name},
            limit={"inner": {"max": min(first.columns, second.rows) - 1}},
            confidence=network.confidence,
        )


def _possible(call: Call) -> int:
    """The rank that its shape allows."""
    positions = 1 if call.layout is None else call.layout.shape[3]
    return min(call.rows, call.columns * positions)
