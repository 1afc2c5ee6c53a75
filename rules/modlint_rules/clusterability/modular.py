"""Rules on the modules of networks that have hidden units."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.network import Network
from modlint.rule import Examination, OptionsT
from modlint.verdict import Verdict
from modlint_rules.clusterability.size import GraphRule


class ModularRule(GraphRule[OptionsT]):
    """A check of each network that has hidden units, and so something to be put into modules."""

    absent = "no network of the file has hidden units"

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge one graph, if it has hidden units."""
        if any(group.role == "hidden" for group in network.groups):
            yield from self.judge_modules(network, file)

    def judge_modules(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge one graph.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError
