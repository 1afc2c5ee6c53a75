"""Which networks are shown: those of a file, and the blocks of what is too large as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.clustering import FEASIBLE
from modlint.analysis.parts import Parts
from modlint.network import Network
from modlint.rule import Examination


def shown(file: Examination, max_connections: int) -> tuple[Network, ...]:
    """The networks of a file; in place of one that is too large those of its blocks that are not.

    Args:
        file: whose networks they are.
        max_connections: a network with more is too large.
    """
    divided = (_divided(network, file, max_connections) for network in file.networks)
    return tuple(each for networks in divided for each in networks)


def _divided(network: Network, file: Examination, max_connections: int) -> tuple[Network, ...]:
    if network.connections <= max_connections:
        return (network,)
    parts = tuple(p for p in _parts(network, file) if p.connections <= max_connections)
    return parts or (network,)


def too_large(network: Network, file: Examination, max_connections: int) -> str:
    """What is said of a network that is not clustered, and neither are its blocks."""
    too_many = f"{network.connections:,} connections, more than {max_connections:,}"
    if network.connections <= FEASIBLE:
        return f"{too_many}: --max-connections {network.connections} clusters them all the same"
    sizes = [part.connections for part in _parts(network, file)]
    if not sizes:
        return f"{too_many}: too many to cluster, and no repeated blocks of it are known"
    feasible = max((size for size in sizes if size <= FEASIBLE), default=None)
    if feasible is None:
        return f"{too_many}: too many to cluster, and so has each block ({min(sizes):,} or more)"
    return f"{too_many}: too many to cluster whole; --max-connections {feasible} clusters blocks"


def named(id: str, file: Examination) -> Network | None:
    """The network of a file, or the block of one, that has this id ("0", "0/layers.3")."""
    for network in file.networks:
        if network.id == id:
            return network
    blocks = (part for network in file.networks for part in _parts(network, file))
    return next((part for part in blocks if part.id == id), None)


def _parts(network: Network, file: Examination) -> Iterator[Network]:
    if network.reason is None:
        yield from file.result(Parts(), network)
