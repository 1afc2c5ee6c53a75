"""Cases of STR002."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as

Write = Callable[[Path], Path]


def weight(share: float, *, name: str = "fc.weight", dtype: torch.dtype = torch.float32) -> Write:
    """A weight of 64 × 32 of which the smallest elements are zero."""
    tensor = torch.randn(64, 32, generator=torch.Generator().manual_seed(0))
    tensor.view(-1)[tensor.abs().view(-1).argsort()[: int(share * 2048)]] = 0
    return lambda folder: save_as({name: tensor.to(dtype)}, folder, "safetensors")


def two_of_four() -> torch.Tensor:
    groups = torch.randn(64, 8, 4, generator=torch.Generator().manual_seed(0))
    smallest = groups.abs().argsort(2)[..., :2]
    return groups.scatter(2, smallest, 0.0).reshape(64, 32)


def saved(tensor: torch.Tensor) -> Write:
    return lambda folder: save_as({"fc.weight": tensor}, folder, "pt")


def rows(tensor: torch.Tensor) -> torch.Tensor:
    tensor[:40] = 0
    return tensor


CASES = (
    Case("a dense weight passes", weight(0.0), (Expected("pass", values={"tensors": 1}),)),
    Case("40 % of zeros pass", weight(0.4), (Expected("pass"),)),
    Case(
        "80 % of zeros",
        weight(0.8),
        (
            Expected(
                "fail",
                "note",
                "high",
                ("tensor", "fc.weight"),
                {"zeros": 1638, "saved_bytes": 1638 * 4 - 256, "pattern": None},
            ),
        ),
    ),
    Case(
        "2:4 is exactly half",
        saved(two_of_four()),
        (Expected("fail", values={"share": 0.5, "pattern": "2:4"}, message="in the pattern 2:4"),),
    ),
    Case(
        "zero rows", saved(rows(torch.ones(64, 32))), (Expected("fail", values={"zero_rows": 40}),)
    ),
    Case("in half precision", weight(0.6, dtype=torch.float16), (Expected("fail"),)),
    Case("a limit of its own", weight(0.8), (Expected("pass"),), {"min-share": 0.9}),
    Case("what is zero throughout is another matter", weight(1.0), (Expected("pass"),)),
    Case(
        "a mask is no layer weight",
        weight(0.8, name="attn.mask"),
        (Expected("not-applicable", message="no layer weight"),),
    ),
)
