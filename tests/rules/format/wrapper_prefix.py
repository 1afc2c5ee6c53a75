"""Cases of FMT005."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected


def keys(*names: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save({name: torch.ones(2) for name in names}, folder / "model.pt")
        return folder / "model.pt"

    return write


def section(folder: Path) -> Path:
    state = {"module.w": torch.ones(2), "module.b": torch.ones(2)}
    torch.save({"epoch": 3, "state_dict": state}, folder / "model.pt")
    return folder / "model.pt"


CASES = (
    Case("plain keys pass", keys("fc.weight", "fc.bias"), (Expected("pass"),)),
    Case("one key among others passes", keys("module.w", "w"), (Expected("pass"),)),
    Case(
        "DataParallel",
        section,
        (
            Expected(
                "fail",
                "warning",
                "high",
                ("file", "state_dict"),
                {"prefix": "module.", "keys": 2},
                "DataParallel",
            ),
        ),
    ),
    Case(
        "wrappers within wrappers",
        keys("_orig_mod.module.w", "_orig_mod.module.b"),
        (Expected("fail", "warning", values={"prefix": "_orig_mod.module."}),),
    ),
    Case(
        "FSDP",
        keys("_fsdp_wrapped_module.w"),
        (Expected("fail", "warning", values={"prefix": "_fsdp_wrapped_module."}),),
    ),
)
