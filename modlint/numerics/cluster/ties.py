"""Tied weights in the null: what their uses have in common is permuted as one matrix.

The uses may read the tensor in opposite directions, and isolated neurons may have left them
different parts of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from msgspec.structs import replace

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
        live=None if block.live is None else block.live[::-1],
        turned=first.turned,
    )


def movable(tied: Sequence[Block], null: Null) -> list[torch.Tensor | None]:
    """Where a null permutes the entries of each block: bool of its shape, None for everywhere.

    Of several uses of one tensor it is what all of them hold and permute: the rest stays, being
    the weights of a neuron that is isolated in another use, and so zero there.

    Args:
        tied: all uses of one tensor, in one direction.
        null: which entries move.
    """
    own = [_own(block, null) for block in tied]
    live = [_live(block) for block in tied]
    if len(tied) == 1 or len({(len(rows), len(columns)) for rows, columns in live}) > 1:
        return own
    rows, columns = (torch.stack(side).all(0) for side in zip(*live, strict=True))
    kept = [(rows[mine], columns[yours]) for mine, yours in live]
    cells = [_everywhere(b) if m is None else m for b, m in zip(tied, own, strict=True)]
    pairs = zip(cells, kept, strict=True)
    shared = torch.stack([cell[mine][:, yours] for cell, (mine, yours) in pairs]).all(0)
    return [
        torch.zeros_like(cell).masked_scatter(mine.unsqueeze(1) & yours, shared)
        for cell, (mine, yours) in zip(cells, kept, strict=True)
    ]


def _own(block: Block, null: Null) -> torch.Tensor | None:
    return block.weights != 0 if null == "layer-nonzero" else block.mask


def _live(block: Block) -> tuple[torch.Tensor, torch.Tensor]:
    if block.live is not None:
        return block.live
    everywhere = _everywhere(block)
    return everywhere[:, 0], everywhere[0]


def _everywhere(block: Block) -> torch.Tensor:
    return torch.ones_like(block.weights, dtype=torch.bool)
