"""Cases of NUM006."""

from __future__ import annotations

from pathlib import Path

import quantised_files
import torch
from quantised_files import MODULES
from rule_cases import Case, Expected


def plain(folder: Path) -> Path:
    torch.save({"fc.weight": torch.randn(32, 32)}, folder / "model.pt")
    return folder / "model.pt"


def bare_cast(folder: Path) -> Path:
    torch.save({"fc.weight": torch.randn(32, 32).to(torch.float8_e4m3fn)}, folder / "model.pt")
    return folder / "model.pt"


def packed(folder: Path) -> Path:
    return quantised_files.packed().write(folder)


def without_scale(folder: Path) -> Path:
    made = quantised_files.packed()
    del made.tensors[f"{MODULES[1]}.weight_scale"]
    return made.write(folder)


def zero_scale(folder: Path) -> Path:
    made = quantised_files.w8a8()
    made.tensors[f"{MODULES[2]}.weight_scale"][5] = 0
    return made.write(folder)


def unknown_method(folder: Path) -> Path:
    made = quantised_files.w8a8()
    kept = {name: t for name, t in made.tensors.items() if "layers" not in name}
    made.tensors = kept | {"model.layers.0.q_proj.codes": torch.zeros(8, 8)}
    made.config = {"quant_method": "aqlm"}
    return made.write(folder)


def damaged_configuration(folder: Path) -> Path:
    path = quantised_files.comfy().write(folder)
    (folder / "config.json").write_text("{")
    return path


CASES = (
    Case("no quantised weight", plain, (Expected("not-applicable"),)),
    Case("a cast to FP8 without scales or configuration", bare_cast, (Expected("not-applicable"),)),
    Case(
        "all consistent",
        packed,
        (Expected("pass", values={"weights": 6, "computed": 6}, message="6 quantised weights"),),
    ),
    Case(
        "scale missing",
        without_scale,
        (
            Expected(
                "fail",
                "error",
                "high",
                ("tensor", f"{MODULES[1]}.weight_scale"),
                {"kind": "scale-missing", "codes": f"{MODULES[1]}.weight_packed"},
                "has no scale",
            ),
        ),
    ),
    Case(
        "scale of zero, codes that are not",
        zero_scale,
        (Expected("fail", "error", values={"kind": "scale-zero", "count": 1, "elements": 64}),),
    ),
    Case("a method that is not known", unknown_method, (Expected("inconclusive", message="aqlm"),)),
    Case("a damaged configuration", damaged_configuration, (Expected("inconclusive"),)),
)
