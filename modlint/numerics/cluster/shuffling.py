"""The null model: each weight matrix keeps its entries, in another order."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from modlint.numerics.cluster.ties import as_first, movable
from modlint.numerics.inputs import Array
from modlint.numerics.tensor.library import device_of, library, turned
from modlint.numerics.tensor.seeds import permutations
from modlint.results.clusters import Null
from modlint.results.graphs import Block, Graph


def shuffle(graph: Graph, null: Null, seed: int, numbers: Sequence[int]) -> Graph:
    """Permute the entries of each matrix within it; tied matrices alike, in either direction.

    Args:
        graph: whole, isolated vertices included: taken out first, only the shuffles would lose
            vertices, and sparse networks would pass for clusterable.
        null: which entries move.
        seed: the user's.
        numbers: of the shuffles, from 1.

    Returns:
        The graph with weights of shape (shuffles, in, out).
    """
    uses: dict[tuple[str, str], list[Block]] = {}
    for block in graph.blocks:
        uses.setdefault((block.tensor, block.part), []).append(block)
    moved: dict[Block, Block] = {}
    for matrix, tied in enumerate(uses.values()):
        alike = [as_first(block, tied[0]) for block in tied]
        for block, view, places in zip(tied, alike, movable(alike, null), strict=True):
            weights = _permuted(view.weights, places, seed, numbers, matrix)
            moved[block] = replace(block, weights=weights if view is block else turned(weights))
    return Graph(graph.groups, tuple(moved[block] for block in graph.blocks))


def _permuted(
    weights: Array, places: Array | None, seed: int, numbers: Sequence[int], matrix: int
) -> Array:
    """The matrix with the entries at `places`, bool of its shape, permuted; None for all."""
    xp, flat = library(weights), weights.reshape(-1)
    moving = None if places is None else xp.nonzero(places.reshape(-1))[0]
    entries = flat if moving is None else flat[moving]
    after = entries[permutations(seed, numbers, matrix, len(entries), device_of(flat))]
    if moving is not None:
        whole = xp.broadcast_to(flat, (len(numbers), len(flat))) + 0
        whole[:, moving] = after
        after = whole
    return after.reshape(len(numbers), *weights.shape)
