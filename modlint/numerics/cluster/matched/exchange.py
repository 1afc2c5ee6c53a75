"""Which units trade places, and the graphs that come of it.

A unit's weights out go to another unit of its group that is about as strong, and that the same
layers can read; its weights in stay. So every row and every column of every layer keeps its values,
and what changes is only who is joined to whom on both sides of a group.

What stays: inputs and outputs; residual streams, which branches are added to; units with weights on
one side only; groups whose weights in and out are the same tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np
from msgspec import Struct

from modlint.network import Group, Network
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.edges import Edges
from modlint.numerics.tensor.streams import seed_of
from modlint.results.graphs import Block, Graph


class Pool(Struct, frozen=True, eq=False):
    """Units that may trade places.

    Attributes:
        groups: names of the groups that they are of: several where tied weights leave them, whose
            units trade places alike.
        units: in order of strength, at least two.
    """

    groups: tuple[str, ...]
    units: Ints


def pools_of(
    network: Network, graph: Graph, edges: Edges, live: Mapping[str, Mask]
) -> tuple[Pool, ...]:
    """The pools of a network, in topological order.

    Args:
        network: says what is hidden, which groups are streams, and what their heads are.
        graph: the weight graph, of all units.
        edges: of the units that are left.
        live: which these are.
    """
    own = {group.name: group for group in _exchangeable(network) if group.name in edges.sizes}
    found = []
    for tied in _tied(graph, own):
        first = own[tied[0]]
        if all(np.array_equal(live[name], live[first.name]) for name in tied):
            parts = _parts(first, graph, live[first.name])
            found += [Pool(tied, units) for units in _by_strength(edges, tied, parts)]
    return tuple(found)


def _exchangeable(network: Network) -> Iterable[Group]:
    held = {value.group for value in network.values if value.is_input} | network.streams
    return (g for g in network.groups if g.role == "hidden" and g.name not in held)


def _tied(graph: Graph, own: Mapping[str, Group]) -> list[tuple[str, ...]]:
    """Groups that trade places alike, without those that cannot.

    Of weights that leave one group and enter it, or another one of those, only one side would move.
    """
    leaving = _tensors(graph, "source")
    entering = _tensors(graph, "target")
    sets: list[set[str]] = []
    for name in own:
        alike = {other for other in own if leaving.get(other, set()) & leaving.get(name, set())}
        alike |= {name}
        joined = [known for known in sets if known & alike]
        sets = [known for known in sets if not known & alike] + [alike.union(*joined)]
    order = list(own)
    return [
        tuple(sorted(names, key=order.index))
        for names in sets
        if len({own[name].size for name in names}) == 1
        and not any(leaving.get(a, set()) & entering.get(b, set()) for a in names for b in names)
    ]


def _tensors(graph: Graph, side: str) -> dict[str, set[tuple[str, str]]]:
    """By group, the parts of tensors whose weights leave it, or enter it, from another group."""
    found: dict[str, set[tuple[str, str]]] = {}
    for block in graph.blocks:
        if block.source != block.target:
            found.setdefault(getattr(block, side), set()).add((block.tensor, block.part))
    return found


def _parts(group: Group, graph: Graph, live: Mask) -> list[bytes]:
    """For each unit that is left, its head and what can read it: those alike may trade places."""
    heads = np.arange(group.size) * group.heads // max(1, group.size)
    masks = [_readable(block) for block in graph.blocks if block.source == group.name]
    told = np.concatenate([heads[:, None], *(mask for mask in masks if mask is not None)], 1)
    return [row.tobytes() for row in np.ascontiguousarray(told[live])]


def _readable(block: Block) -> Ints | None:
    """For each unit of a block's source, which of its target it can be joined to, as one number."""
    if block.mask is None:
        return None
    _, kinds = np.unique(np.packbits(np.asarray(block.mask), 1), axis=0, return_inverse=True)
    found: Ints = kinds.reshape(-1, 1)
    return found


def _by_strength(edges: Edges, tied: Sequence[str], parts: Sequence[bytes]) -> list[Ints]:
    """The units of each part, those with weights on both sides, in order of strength."""
    both = np.all([(edges.into[name] > 0) & (edges.out[name] > 0) for name in tied], axis=0)
    strength = sum((edges.into[name] + edges.out[name] for name in tied), np.zeros(len(both)))
    order = sorted(np.flatnonzero(both).tolist(), key=lambda unit: (parts[unit], strength[unit]))
    runs = (list(run) for _, run in groupby(order, key=lambda unit: parts[unit]))
    return [np.array(run, dtype=np.int64) for run in runs if len(run) > 1]


def exchanged(edges: Edges, pools: Sequence[Pool], bin_size: int, seed: int, number: int) -> Edges:
    """The edges after units of about the same strength have traded places.

    Args:
        edges: as they are.
        pools: who may trade with whom.
        bin_size: units in a bin of neighbours by strength; the first begins at a random offset.
        seed: the user's.
        number: of the exchange, from 1.
    """
    places = places_of(edges, pools, bin_size, seed, number)
    return Edges(
        edges.sizes,
        {
            (source, target): _moved(weights, places[source], own=source == target)
            for (source, target), weights in edges.between.items()
        },
    )


def places_of(
    edges: Edges, pools: Sequence[Pool], bin_size: int, seed: int, number: int
) -> dict[str, Ints]:
    """By group, whose weights out each unit has after an exchange; its own after number 0."""
    places = {name: np.arange(size) for name, size in edges.sizes.items()}
    for index, pool in enumerate(pools if number else ()):
        after = _traded(pool.units, bin_size, seed_of("exchange", seed, number, index))
        for name in pool.groups:
            places[name][pool.units] = after
    return places


def _traded(units: Ints, bin_size: int, seed: int) -> Ints:
    """The units, permuted within bins of neighbours."""
    random = np.random.Philox(key=seed).random_raw(len(units) + 1)
    bins = (np.arange(len(units)) + int(random[-1] % bin_size)) // bin_size
    found: Ints = units[np.lexsort((random[:-1], bins))]
    return found


def _moved(weights: Floats, places: Ints, *, own: bool) -> Floats:
    """Rows in other places; within a group what would meet itself meets who would meet nobody."""
    moved = weights[places]
    if own:
        units = np.arange(len(places))
        moved[units, places] = moved[units, units]
        moved[units, units] = 0
    return moved
