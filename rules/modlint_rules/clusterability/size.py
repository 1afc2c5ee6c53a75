"""The size up to which rules look at a network's graph as a whole."""

from __future__ import annotations

from modlint.errors import Unavailable
from modlint.network import Network


def require_size(network: Network, max_connections: int, rule: str) -> None:
    """Refuse a network that is too large.

    Raises:
        Unavailable: it has more connections.
    """
    if network.connections > max_connections:
        raise Unavailable(
            f"the graph has {network.connections:,} connections, more than the"
            f" {max_connections:,} that are examined unless asked for; to run it whole:"
            f" modlint check --config rules.{rule}.max-connections={network.connections}"
        )
