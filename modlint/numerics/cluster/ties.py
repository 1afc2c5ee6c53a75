"""Tied weights in the null: what all their uses permute is permuted as one matrix.

The uses may read the tensor in opposite directions.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.library import library
from modlint.results.clusters import Null
from modlint.results.graphs import Block


def as_first(block: Block, first: Block) -> Block:
    """A block in the direction in which another one reads the tensor that they share."""
    if block.turned == first.turned:
        return block
    return replace(
        block,
        source=block.target,
        target=block.source,
        weights=block.weights.T,
        mask=None if block.mask is None else block.mask.T,
        turned=first.turned,
    )


def movable(tied: Sequence[Block], null: Null) -> list[Array | None]:
    """Where a null permutes the entries of each block: bool of its shape, None for everywhere.

    Of several uses of one tensor it is where all of them permute; uses that read it in different
    shapes have nothing in common, and each is permuted by itself.

    Args:
        tied: all uses of one tensor, in one direction.
        null: which entries move.
    """
    own = [block.weights != 0 if null == "layer-nonzero" else block.mask for block in tied]
    stated = [places for places in own if places is not None]
    if not stated or len({block.weights.shape for block in tied}) > 1:
        return own
    return [library(stated[0]).stack(stated).all(0)] * len(tied)
