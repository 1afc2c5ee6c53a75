"""The size up to which rules look at the graphs of a file's networks as a whole."""

from __future__ import annotations

from itertools import takewhile

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.rule import Examination


def require_size(network: Network, file: Examination, max_connections: int, rule: str) -> None:
    """Refuse a network that is too large, alone or with those of the file that come before it.

    A model of many blocks, each below the limit, would otherwise take minutes.

    Raises:
        Unavailable: they have more connections.
    """
    before = takewhile(lambda other: other is not network, file.networks)
    total = network.connections + sum(n.connections for n in before if n.reason is None)
    if total <= max_connections:
        return
    whole = sum(other.connections for other in file.networks if other.reason is None)
    which = "the graph has"
    if total > network.connections:
        which = "with the networks before it the graph has"
    raise Unavailable(
        f"{which} {total:,} connections, more than the {max_connections:,} that are examined unless"
        f" asked for; to run it whole: modlint check --config rules.{rule}.max-connections={whole}"
    )
