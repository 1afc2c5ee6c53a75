"""Cases of FMT006."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected


def saved(make: Callable[[torch.Tensor], dict[str, torch.Tensor]]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(make(torch.arange(1000, dtype=torch.float32)), folder / "model.pt")
        return folder / "model.pt"

    return write


CASES = (
    Case(
        "tensors that fill their storages pass",
        saved(lambda base: {"a": base, "b": base.clone()}),
        (Expected("pass", values={"ratio": 1.0}),),
    ),
    Case(
        "two views that cover a storage pass",
        saved(lambda base: {"a": base[:600], "b": base[500:]}),
        (Expected("pass", values={"ratio": 1.0}),),
    ),
    Case(
        "a transposed view passes",
        saved(lambda base: {"a": base.reshape(20, 50).T}),
        (Expected("pass", values={"ratio": 1.0}),),
    ),
    Case(
        "a view of a part",
        saved(lambda base: {"a": base[:10], "b": base[5:20]}),
        (
            Expected(
                "fail",
                "warning",
                "high",
                ("tensor", "a"),
                {"bytes": 4000, "used": 80, "ratio": 50.0},
                "4,000 bytes, of which 80 are used",
            ),
        ),
    ),
    Case(
        "within the limit that the user sets",
        saved(lambda base: {"a": base[:10]}),
        (Expected("pass", values={"ratio": 100.0}),),
        {"max-ratio": 100},
    ),
)
