"""Cases of SPC001."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as

Write = Callable[[Path], Path]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def product(rows: int, columns: int, rank: int) -> torch.Tensor:
    return drawn(rows, rank) @ drawn(rank, columns, seed=1) * 0.05


def saved(
    weight: torch.Tensor, dtype: torch.dtype = torch.float32, name: str = "fc.weight"
) -> Write:
    return lambda folder: save_as({name: weight.to(dtype)}, folder, "safetensors")


def with_dead(weight: torch.Tensor) -> torch.Tensor:
    weight[:10], weight[:, 5:9] = 0, 0
    return weight


def centred(weight: torch.Tensor) -> torch.Tensor:
    return weight - weight.mean(0)


def one_dependent(weight: torch.Tensor) -> torch.Tensor:
    weight[7] = 0.3 * weight[1] - 2 * weight[2]
    return weight


DEAD = with_dead(drawn(64, 128))
CASES = (
    Case(
        "a drawn weight passes", saved(drawn(64, 128)), (Expected("pass", values={"tensors": 1}),)
    ),
    Case(
        "a product of narrow factors",
        saved(product(64, 128, 20)),
        (Expected("fail", "warning", "high", ("tensor", "fc.weight"), {"rank": 20, "full": 64}),),
    ),
    Case(
        "a rank of nearly all",
        saved(product(64, 128, 60)),
        (Expected("fail", "note", values={"missing": 4}),),
    ),
    Case(
        "one row is a combination of others",
        saved(one_dependent(drawn(64, 128))),
        (Expected("fail", "note", values={"rank": 63}),),
    ),
    Case("dead rows and columns are left out", saved(DEAD), (Expected("pass"),)),
    Case(
        "dead rows beside a low rank",
        saved(with_dead(product(64, 128, 20))),
        (Expected("fail", "warning", values={"rank": 20, "full": 54}),),
    ),
    Case("rows that sum to zero", saved(centred(drawn(40, 128))), (Expected("pass"),)),
    Case("square, in half precision", saved(drawn(256, 256), torch.bfloat16), (Expected("pass"),)),
    Case(
        "a low rank in half precision",
        saved(product(128, 256, 30), torch.bfloat16),
        (Expected("fail", "warning", values={"rank": 30}),),
    ),
    Case(
        "a limit of its own",
        saved(product(64, 128, 20)),
        (Expected("fail", "note"),),
        {"warn-below": 0.1},
    ),
    Case(
        "a convolution",
        saved((product(32, 144, 9)).reshape(32, 16, 3, 3)),
        (Expected("fail", "warning", values={"rank": 9, "full": 32}),),
    ),
    Case("one value throughout", saved(torch.ones(64, 64).double()), (Expected("pass"),)),
    Case(
        "no finite elements",
        saved(torch.full((64, 64), torch.nan)),
        (Expected("inconclusive", message="none of its 1 tensor"),),
    ),
    Case(
        "an embedding of positions is no layer weight",
        saved(product(64, 128, 3), name="position_embeddings.weight"),
        (Expected("not-applicable", message="no layer weight"),),
    ),
)
