"""The test: a network's spectral sums against those after units of like strength traded places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.cluster.matched.edges import balanced_edges, rebalanced
from modlint.numerics.cluster.matched.exchange import Pool, exchanged, pools_of
from modlint.numerics.cluster.matched.parts import joined, parts_of
from modlint.numerics.cluster.matched.scan import Scan, spectral_sums
from modlint.numerics.cluster.matched.spectrum import Layout, layout_of, leading_values
from modlint.numerics.cluster.matched.stacked import stacked_sums, stacks
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats
from modlint.numerics.graph.edges import Edges, Pair
from modlint.numerics.graph.flow import carrying
from modlint.numerics.inputs import Device
from modlint.numerics.linalg.eigen import BELIEVED
from modlint.numerics.linalg.threads import side_by_side
from modlint.results.graphs import Graph
from modlint.results.modules import ModuleTest
from modlint.results.units import Flows

LEAST = 9
"""Fewest units of which clusters are sought: three clusters of three."""

EACH = 3
"""Fewest units a cluster."""

LOOKED_INTO = 9
"""Exchanged networks whose layers are compared with the network's."""

SMALL = 0.05
"""p up to which layers are compared: above, there is no effect to be shared out."""

Progress = Callable[[str, int, int], None]


class MatchedSpec(Protocol):
    """How to test, as `modlint.analysis.modules.MatchedTest` says it."""

    @property
    def clusters(self) -> tuple[int, ...]:
        """The numbers of clusters that are looked at."""
        ...

    @property
    def shuffles(self) -> int:
        """Exchanged networks."""
        ...

    @property
    def bin_size(self) -> int:
        """Units of like strength that trade places."""
        ...

    @property
    def seed(self) -> int:
        """Names the random streams."""
        ...

    @property
    def min_flow(self) -> float:
        """Flow below which a unit is left out."""
        ...


def module_test(
    network: Network,
    graph: Graph,
    flows: Flows,
    spec: MatchedSpec,
    progress: Progress,
    device: Device = "cpu",
) -> ModuleTest:
    """Test a network.

    Args:
        network: says what may trade places.
        graph: its weights, as numpy's arrays.
        flows: the flow of its units.
        spec: how.
        progress: to be told of exchanges.
        device: where the exchanged networks are decomposed.

    Raises:
        Unavailable: too few units are left, none may trade places, it does not balance, or
            trading places changes nothing.
    """
    carriers = carrying(network, flows, spec.min_flow)
    edges, live = balanced_edges(network, graph, carriers)
    ks = [k for k in sorted(set(spec.clusters)) if EACH * k <= edges.units]
    _require_enough(edges.units, ks)
    pools = pools_of(network, graph, edges, live)
    if not pools:
        raise Unavailable("it has no hidden units that may trade places")
    networks = _Exchanges(network, edges, pools, layout_of(edges), spec)
    scan = None if isinstance(device, str) else _on_device(networks, ks, progress, device)
    scan = scan or _scanned(networks, ks, progress)
    unconnected = _unconnected(graph)
    return ModuleTest(
        p_value=scan.p_value,
        p_interval=scan.p_interval,
        clusters=scan.best.clusters,
        effect_size=scan.best.effect_size,
        scan=scan.steps,
        smallest=float(scan.smallest[0]),
        null_samples=tuple(scan.smallest[1:].tolist()),
        neurons=network.neurons,
        unconnected=unconnected,
        negligible=network.neurons - unconnected - edges.units,
        exchangeable=sum(len(pool.units) * len(pool.groups) for pool in pools),
        layers=_parts(networks, scan, graph),
    )


def _scanned(networks: _Exchanges, ks: Sequence[int], progress: Progress) -> Scan:
    sums: list[Floats] = []
    numbers = range(networks.spec.shuffles + 1)
    for found in side_by_side(partial(networks.sums, ks), numbers, networks.footprint):
        sums.append(found)
        progress("exchanging", len(sums) - 1, networks.spec.shuffles)
    return Scan(np.array(sums), ks)


def _on_device(
    networks: _Exchanges, ks: Sequence[int], progress: Progress, device: Device
) -> Scan | None:
    """The same on a GPU; None where it finds of the network itself what the CPU does not."""
    spec, found = networks.spec, list[Floats]()
    network, edges, pools = networks.network, networks.edges, networks.pools
    draws = (spec.bin_size, spec.seed)
    for numbers in stacks(edges, spec.shuffles + 1):
        found += list(stacked_sums(network, edges, pools, draws, ks, numbers, device))
        if abs(found[0] - networks.sums(ks, 0)).max() > BELIEVED:
            return None
        progress("exchanging", len(found) - 1, spec.shuffles)
    return Scan(np.array(found), ks)


def _parts(networks: _Exchanges, scan: Scan, graph: Graph) -> dict[str, float]:
    """By layer, its part of the effect; of none where there is no effect to be shared out."""
    best = scan.best
    if scan.p_value > SMALL or best.median <= 0:
        return {}
    numbers = range(min(LOOKED_INTO, networks.spec.shuffles) + 1)
    joins = partial(networks.joined, best.clusters)
    own, *others = side_by_side(joins, numbers, networks.footprint)
    names = _layers(graph)
    return {names[pair]: part for pair, part in parts_of(own, others, best.median).items()}


def _require_enough(units: int, ks: Sequence[int]) -> None:
    if units < LEAST:
        raise Unavailable(f"{units} connected neurons are too few: at least {LEAST} are needed")
    if not ks:
        raise Unavailable(f"{units} connected neurons are too few for so many clusters")


class _Exchanges(Struct, frozen=True, eq=False):
    """A network, number 0, and its exchanged ones.

    Attributes:
        network: says what is hidden.
        edges: its own.
        pools: who may trade places.
        layout: where units stand.
        spec: how.
    """

    network: Network
    edges: Edges
    pools: Sequence[Pool]
    layout: Layout
    spec: MatchedSpec

    @property
    def footprint(self) -> int:
        """Bytes that one of them takes."""
        weights = sum(weights.nbytes for weights in self.edges.between.values())
        return 4 * weights + 2 * 8 * self.layout.order**2

    def sums(self, ks: Sequence[int], number: int) -> Floats:
        """S_k of one of them."""
        return spectral_sums(leading_values(self._of(number), self.layout, ks[-1]), ks)

    def joined(self, k: int, number: int) -> dict[Pair, float]:
        """What each pair of groups joins of the k leading eigenvectors of one of them."""
        return joined(self._of(number), self.layout, k)

    def _of(self, number: int) -> Edges:
        if not number:
            return self.edges
        spec = self.spec
        moved = exchanged(self.edges, self.pools, spec.bin_size, spec.seed, number)
        return rebalanced(self.network, moved)


def _layers(graph: Graph) -> dict[Pair, str]:
    """By pair of groups, the layers between them."""
    found: dict[Pair, list[str]] = {}
    for block in graph.blocks:
        found.setdefault((block.source, block.target), []).append(block.layer)
    return {pair: ", ".join(dict.fromkeys(names)) for pair, names in found.items()}


def _unconnected(graph: Graph) -> int:
    """Neurons without weights."""
    connected: dict[str, Mask] = {name: np.zeros(size, bool) for name, size in graph.groups.items()}
    for block in graph.blocks:
        there = np.asarray(block.weights) != 0
        connected[block.source] |= there.any(1)
        connected[block.target] |= there.any(0)
    return sum(int((~mask).sum()) for mask in connected.values())
