"""CLU005: a network that is several networks side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.analysis.clustering import MAX_CONNECTIONS
from modlint.analysis.components import Components
from modlint.network import Network
from modlint.rule import Examination, Need, Options
from modlint.targets import of_network
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.clusterability import FRAGMENTED_NETWORK
from modlint_rules.clusterability.size import GraphRule, with_parts

_COMPONENTS = Components()
_NAMED = 20
_HELP = (
    "if these are separate networks, save and test them apart; if they should be one, look for the"
    " layer that does not mix them (pruned too far, or with too many groups). A low n-cut"
    " (CLU001) says no more than that here"
)

_NO_WHOLE_PART = "no part of its graph has both an input and an output"


class FragmentedNetworkOptions(Options, frozen=True):
    """Options of CLU005."""

    max_components: Annotated[
        int,
        msgspec.Meta(description="components with an input and an output that may be there", ge=1),
    ] = 1
    max_connections: Annotated[
        int,
        msgspec.Meta(description="connections above which a network is not examined", ge=1),
    ] = MAX_CONNECTIONS


class FragmentedNetwork(GraphRule[FragmentedNetworkOptions], reference=FRAGMENTED_NETWORK):
    """Components of the graph that each lead from an input to an output."""

    options_type = FragmentedNetworkOptions

    def needs(self) -> tuple[Need, ...]:
        """The components of each network."""
        return with_parts(_COMPONENTS)

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Count the components that have an input and an output."""
        found = file.result(_COMPONENTS, network)
        whole = [component.neurons for component in found if component.whole]
        values = {
            "components": len(whole),
            "sizes": tuple(whole[:_NAMED]),
            "partial": len(found) - len(whole),
            "neurons": sum(component.neurons for component in found),
        }
        limit = {"components": {"max": float(self.options.max_components)}}
        target = of_network(network)
        parts = count(len(whole), "part")
        if not whole:
            yield self.inconclusive(target, _NO_WHOLE_PART)
            return
        if len(whole) <= self.options.max_components:
            yield self.passed(
                target,
                f"{parts} of its graph with both an input and an output",
                values=values,
                limit=limit,
                confidence=network.confidence,
            )
            return
        yield self.failed(
            target,
            f"falls into {parts}, each with an input and an output and no weight to another:"
            f" the largest of {count(whole[0], 'neuron')}, the smallest of {whole[-1]:,}",
            help=_HELP,
            values=values,
            limit=limit,
            confidence=network.confidence,
        )
