"""The size up to which rules look at the graphs of a file's networks, whole or block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from modlint.analysis.clustering import FEASIBLE
from modlint.analysis.parts import Parts
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.rule import Examination, Need, Options, OptionsT
from modlint.scopes import NetworkRule
from modlint.targets import of_network
from modlint.verdict import Verdict

PARTS = Parts()


class GraphRule(NetworkRule[OptionsT]):
    """A check of each network's graph; of one that is too large, of each of its blocks'."""

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge a network, or its blocks until they are too many."""
        limit = _limit(self.options)
        if _total(network, file) <= limit:
            yield from self.judge_graph(network, file)
            return
        parts, used = file.result(PARTS, network), _total(network, file) - network.connections
        if not parts:
            raise Unavailable(_too_large(network, file, limit, self.name))
        for judged, part in enumerate(parts):
            used += part.connections
            if used > limit:
                reason = _too_large(network, file, limit, self.name, parts)
                left = f"{len(parts) - judged:,} of {len(parts):,} blocks not examined: "
                yield self.inconclusive(of_network(network), left + reason)
                return
            yield from self._judge_part(part, file)

    def judge_graph(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge one graph.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError

    def _judge_part(self, part: Network, file: Examination) -> Iterator[Verdict]:
        try:
            yield from self.judge_graph(part, file)
        except Unavailable as unavailable:
            yield self.inconclusive(of_network(part), str(unavailable))


def require_size(network: Network, file: Examination, max_connections: int, rule: str) -> None:
    """Refuse a network that is too large, alone or with those of the file that come before it.

    A file of many networks, each below the limit, would otherwise take minutes.

    Raises:
        Unavailable: they have more connections.
    """
    if _total(network, file) > max_connections:
        raise Unavailable(_too_large(network, file, max_connections, rule))


def _limit(options: Options) -> int:
    limit: int = options.max_connections  # type: ignore[attr-defined]
    return limit


def _total(network: Network, file: Examination) -> int:
    before = takewhile(lambda other: other is not network, file.networks)
    return network.connections + sum(n.connections for n in before if n.reason is None)


def _too_large(
    network: Network, file: Examination, limit: int, rule: str, parts: Sequence[Network] = ()
) -> str:
    total = _total(network, file)
    whole = sum(other.connections for other in file.networks if other.reason is None)
    which = "the graph has"
    if total > network.connections:
        which = "with the networks before it the graph has"
    too_many = f"{which} {total:,} connections, more than the {limit:,} that are examined"
    asking = f"modlint check --config rules.{rule}.max-connections="
    if whole <= FEASIBLE:
        return f"{too_many} unless asked for; to run it whole: {asking}{whole}"
    used, blocks = total - network.connections, [part.connections for part in parts]
    enough = next((n for n in (sum(blocks), *blocks[:1]) if n > 0 and used + n <= FEASIBLE), None)
    if enough is None:
        return f"{too_many}, and too many to be run whole" + (" or by blocks" if blocks else "")
    which = "its blocks" if enough == sum(blocks) else "its first block"
    return f"{too_many}, and too many to be run whole; to run {which}: {asking}{used + enough}"


def with_parts(*needs: Need) -> tuple[Need, ...]:
    """What a rule needs, and the blocks of networks."""
    return (*needs, PARTS)
