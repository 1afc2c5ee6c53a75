"""Cases of SPC008."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as

Write = Callable[[Path], Path]


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def toeplitz(rows: int, columns: int) -> torch.Tensor:
    diagonals = drawn(rows + columns - 1)
    places = torch.arange(columns) - torch.arange(rows)[:, None] + rows - 1
    return diagonals[places]


def circulant(size: int) -> torch.Tensor:
    return drawn(size)[(torch.arange(size) - torch.arange(size)[:, None]) % size]


def low_rank(rows: int, columns: int, rank: int) -> torch.Tensor:
    return drawn(rows, rank) @ drawn(rank + 1, columns)[1:]


def diagonal(count: int, rows: int, columns: int) -> torch.Tensor:
    return torch.block_diag(*drawn(count, rows, columns))


def saved(weight: torch.Tensor, name: str = "fc.weight", container: str = "safetensors") -> Write:
    return lambda folder: save_as({name: weight}, folder, container)


def one(kind: str, **values: object) -> tuple[Expected, ...]:
    return (Expected("fail", "information", values=values, message=kind),)


CASES = (
    Case("a drawn weight passes", saved(drawn(128, 64)), (Expected("pass"),)),
    Case("Toeplitz", saved(toeplitz(96, 64)), one("toeplitz", saved_bytes=4 * (96 * 64 - 159))),
    Case("circulant", saved(circulant(128)), one("circulant", saved_bytes=4 * (128 * 128 - 128))),
    Case("low rank", saved(low_rank(128, 96, 10)), one("low-rank")),
    Case("four blocks", saved(diagonal(4, 16, 32)), one("block-diagonal")),
    Case("rows that repeat", saved(drawn(32, 64).repeat(4, 1)), one("repeated-blocks")),
    Case(
        "each row four times",
        saved(drawn(32, 64).repeat_interleave(4, 0)),
        one("repeated-blocks"),
    ),
    Case(
        "a pointwise convolution",
        saved(diagonal(2, 32, 32).reshape(64, 64, 1, 1), container="pt"),
        one("block-diagonal"),
    ),
    Case("noise of a hundredth", saved(circulant(128) + 0.01 * drawn(128, 128)), one("circulant")),
    Case("noise of a tenth", saved(circulant(128) + 0.1 * drawn(128, 128)), (Expected("pass"),)),
    Case(
        "a distance of its own",
        saved(circulant(128) + 0.1 * drawn(128, 128)),
        one("circulant"),
        {"max-distance": 0.2},
    ),
    Case("a rank of more than half", saved(low_rank(96, 96, 40)), (Expected("pass"),)),
    Case("one value throughout", saved(torch.ones(64, 64)), (Expected("pass"),)),
    Case(
        "what is not finite",
        saved(torch.full((64, 64), torch.inf)),
        (Expected("inconclusive", message="finite"),),
    ),
    Case("no weight", saved(drawn(64), "fc.bias"), (Expected("not-applicable"),)),
)
