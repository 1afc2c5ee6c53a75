"""Cases of NUM008."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected


def saved(**state: torch.Tensor) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        named = {name.replace("__", "."): tensor for name, tensor in state.items()}
        torch.save(named, folder / "model.pt")
        return folder / "model.pt"

    return write


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.05


def positions(number: int = 77) -> torch.Tensor:
    return torch.arange(number)[None]


def with_table(ids: torch.Tensor, rows: int) -> Callable[[Path], Path]:
    return saved(
        embeddings__position_ids=ids, embeddings__position_embedding__weight=normal(rows, 4)
    )


def failing(severity: str, message: str) -> tuple[Expected, ...]:
    return (Expected("fail", severity, "high", ("tensor", "embeddings.position_ids"), {}, message),)


HALF = positions().half()
MERGED = HALF * 0.45 + HALF * 0.35 + HALF * 0.2
"""What a weighted mean of three models leaves of their positions."""

CASES = (
    Case("positions", with_table(positions(), 77), (Expected("pass", values={"tensors": 1}),)),
    Case(
        "positions from 2 on", saved(embeddings__position_ids=positions() + 2), (Expected("pass"),)
    ),
    Case(
        "float16, still right",
        saved(embeddings__position_ids=HALF),
        failing("error", "77 indices in float16: the numbers are still right"),
    ),
    Case(
        "float32, still right",
        saved(embeddings__position_ids=positions().float()),
        failing("warning", "still right"),
    ),
    Case(
        "an average of three models",
        saved(embeddings__position_ids=MERGED),
        failing("error", "are not whole"),
    ),
    Case(
        "an average that was cut off to integers",
        saved(embeddings__position_ids=MERGED.long()),
        failing("error", "positions share an embedding"),
    ),
    Case(
        "bfloat16 past 256",
        saved(embeddings__position_ids=positions(512).bfloat16()),
        failing("error", "385 different ones, which do not count up from element 257 on"),
    ),
    Case("more positions than rows", with_table(positions(), 64), failing("error", "of 64 rows")),
    Case(
        "negative",
        saved(embeddings__position_ids=positions() - 1),
        failing("error", "they run from -1 to 75"),
    ),
    Case(
        "NaN",
        saved(embeddings__position_ids=torch.tensor([0.0, torch.nan, 2.0])),
        failing("error", "1 are not whole"),
    ),
    Case(
        "kinds are mostly zeros",
        saved(embeddings__token_type_ids=torch.zeros(1, 512, dtype=torch.int64)),
        (Expected("pass"),),
    ),
    Case(
        "kinds past their table",
        saved(
            embeddings__token_type_ids=torch.tensor([[0, 1, 2]]),
            embeddings__token_type_embeddings__weight=normal(2, 8),
        ),
        (Expected("fail", "error", message="out of the table of 2 rows"),),
    ),
    Case(
        "relative positions repeat",
        saved(attn__relative_position_index=torch.tensor([[2, 1, 0], [3, 2, 1], [4, 3, 2]])),
        (Expected("pass"),),
    ),
    Case(
        "relative positions that were rounded",
        saved(attn__relative_position_index=torch.arange(2300).half().reshape(46, 50)),
        (Expected("fail", "error", message="are missing: it was rounded"),),
    ),
    Case("no such buffer", saved(fc__weight=normal(4, 4)), (Expected("not-applicable"),)),
)
