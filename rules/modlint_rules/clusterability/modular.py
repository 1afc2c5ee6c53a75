"""Rules on the modules of networks that have hidden units."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.network import Network
from modlint.rule import Examination, OptionsT
from modlint.targets import whole_file
from modlint.verdict import Verdict
from modlint_rules.clusterability.size import GraphRule

_NO_HIDDEN = "no network of the file has hidden units"


class ModularRule(GraphRule[OptionsT]):
    """A check of each network that has hidden units, and so something to be put into modules."""

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge each such network of the file."""
        found = list(super().check(file))
        yield from found
        if not found:
            yield self.not_applicable(whole_file(file.checkpoint), _NO_HIDDEN)

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
