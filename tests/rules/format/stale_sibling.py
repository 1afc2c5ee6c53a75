"""Cases of FMT011; tests/rules/format/test_planted_folders.py has one of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file

FC = torch.linspace(-1, 1, 32).reshape(4, 8)


def pair(there: dict[str, torch.Tensor], here: dict[str, torch.Tensor] | None = None) -> Any:
    def write(folder: Path) -> Path:
        torch.save(there, folder / "pytorch_model.bin")
        save_file({"fc.weight": FC} if here is None else here, folder / "model.safetensors")
        return folder / "model.safetensors"

    return write


def alone(folder: Path) -> Path:
    save_file({"fc.weight": FC}, folder / "model.safetensors")
    return folder / "model.safetensors"


def fails(message: str, **values: Any) -> tuple[Expected, ...]:
    return (Expected("fail", "warning", "high", None, values, message),)


MOVED = FC + 0.5 * (FC == 1)

CASES = (
    Case("the same twice passes", pair({"fc.weight": FC}),
         (Expected("pass", values={"common": 1, "compared": 1, "differing": 0}),)),
    Case("alone", alone, (Expected("not-applicable"),)),
    Case("an older one", pair({"fc.weight": MOVED}), fails("1 of 1 tensor", largest=0.5 / 1.5)),
    Case("by less than the tolerance", pair({"fc.weight": MOVED}), (Expected("pass"),),
         {"tolerance": 0.5}),
    Case("a tensor more", pair({"fc.weight": FC, "head.weight": MOVED}),
         fails("it alone holds 1 tensor (head.weight)")),
    Case("a tied tensor more passes", pair({"fc.weight": FC, "head.weight": FC}),
         (Expected("pass"),)),
    Case("another shape", pair({"fc.weight": FC.T.contiguous()}), fails("other shape")),
    Case("a cast passes and is told", pair({"fc.weight": FC}, {"fc.weight": FC.half()}),
         (Expected("pass", message="cast from float32 to float16"),)),
)  # fmt: skip
