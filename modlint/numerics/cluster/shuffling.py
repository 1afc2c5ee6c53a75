"""The null model: each weight matrix keeps its entries, in another order."""

from __future__ import annotations

import torch
from msgspec.structs import replace

from modlint.numerics.cluster.ties import as_first, movable
from modlint.numerics.tensor.seeds import permutation
from modlint.results.clusters import Null
from modlint.results.graphs import Block, Graph


def shuffle(graph: Graph, null: Null, seed: int, number: int) -> Graph:
    """Permute the entries of each matrix within it; tied matrices alike, in either direction.

    Args:
        graph: whole, isolated vertices included: taken out first, only the shuffles would lose
            vertices, and sparse networks would pass for clusterable.
        null: which entries move.
        seed: the user's.
        number: of the shuffle, from 1.
    """
    uses: dict[tuple[str, str], list[Block]] = {}
    for block in graph.blocks:
        uses.setdefault((block.tensor, block.part), []).append(block)
    moved: dict[Block, Block] = {}
    for matrix, tied in enumerate(uses.values()):
        alike = [as_first(block, tied[0]) for block in tied]
        for block, view, places in zip(tied, alike, movable(alike, null), strict=True):
            weights = _permuted(view.weights, places, seed, number, matrix)
            moved[block] = replace(block, weights=weights if view is block else weights.T)
    return Graph(graph.groups, tuple(moved[block] for block in graph.blocks))


def _permuted(
    weights: torch.Tensor, places: torch.Tensor | None, seed: int, number: int, matrix: int
) -> torch.Tensor:
    """The matrix with the entries at `places`, bool of its shape, permuted; None for all."""
    flat = weights.flatten()
    moving = None if places is None else places.flatten().nonzero().flatten()
    entries = flat if moving is None else flat[moving]
    order = permutation(seed, number, matrix, len(entries), flat.device)
    entries = entries.index_select(0, order)
    after = entries if moving is None else flat.index_put((moving,), entries)
    return after.view(weights.shape)
