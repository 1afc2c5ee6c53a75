"""Cases of NUM004."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from rule_cases import Case, Expected


def saved(**state: torch.Tensor) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        named = {name.replace("__", "."): tensor for name, tensor in state.items()}
        torch.save(named, folder / "model.pt")
        return folder / "model.pt"

    return write


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.05


def levels(number: int) -> torch.Tensor:
    return torch.arange(4096).remainder(number).float().reshape(64, 64) - 3


def scaled_signs(*wrong: int) -> torch.Tensor:
    """A sign for each element, a scale for each row; some rows of another scale."""
    scales = 0.05 + torch.arange(64)[:, None] * 1e-3
    scales[list(wrong)] *= 100
    return normal(64, 64).sign() * scales


def uneven(rows: int) -> torch.Tensor:
    weight = scaled_signs()
    weight[:rows] = normal(rows, 64, seed=1)
    return weight


def lone() -> torch.Tensor:
    """Zeros but for three elements."""
    weight = torch.zeros(64, 64)
    weight[0, :3] = torch.tensor([0.1, 0.2, 0.3])
    return weight


def thresholds(*rows: tuple[float, ...]) -> Callable[[Path], Path]:
    """A model with QONNX's MultiThreshold."""

    def write(folder: Path) -> Path:
        values = np.array(rows, np.float32)
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
        domain = "qonnx.custom_op.general"
        node = helper.make_node("MultiThreshold", ["x", "steps"], ["y"], domain=domain)
        tensors = [onnx.numpy_helper.from_array(values, "steps")]
        graph = helper.make_graph([node], "g", ends[:1], ends[1:], tensors)
        onnx.save(helper.make_model(graph), folder / "model.onnx")
        return folder / "model.onnx"

    return write


CASES = (
    Case("usual weights", saved(fc__weight=normal(64, 64)), (Expected("pass"),)),
    Case(
        "signs",
        saved(fc__weight=normal(64, 64).sign()),
        (
            Expected(
                "fail",
                "note",
                "high",
                ("tensor", "fc.weight"),
                {"values": 2, "nbytes": 4096 * 4 - 512},
                "1 bit they would take 15.9 kB less",
            ),
        ),
    ),
    Case(
        "sixteen values",
        saved(fc__weight=levels(16).bfloat16()),
        (Expected("fail", values={"values": 16}, message="codes of 4 bits"),),
    ),
    Case("seventeen values", saved(fc__weight=levels(17)), (Expected("pass"),)),
    Case(
        "sixteen are not few where it is said",
        saved(fc__weight=levels(16)),
        (Expected("pass"),),
        {"max-values": 8},
    ),
    Case(
        "a scale for each row",
        saved(fc__weight=scaled_signs()),
        (
            Expected(
                "fail", "note", values={"even": 64, "uneven": 0}, message="each of 64 of 64 rows"
            ),
        ),
    ),
    Case(
        "a wrong scale",
        saved(fc__weight=scaled_signs(5)),
        (Expected("fail", values={"even": 64}, message="the scale of row 5 is far from"),),
    ),
    Case(
        "rows that are not binarised",
        saved(fc__weight=uneven(3)),
        (Expected("fail", values={"even": 61, "uneven": 3}, message="3 rows hold several"),),
    ),
    Case("half of the rows are not binarised", saved(fc__weight=uneven(32)), (Expected("pass"),)),
    Case(
        "magnitudes that vary by a tenth",
        saved(fc__weight=scaled_signs() * (1 + normal(64, 64))),
        (Expected("pass"),),
    ),
    Case(
        "a tenth is one magnitude where it is asked for",
        saved(fc__weight=scaled_signs() * (1 + normal(64, 64))),
        (Expected("fail"),),
        {"max-variation": 0.1},
    ),
    Case("short rows", saved(fc__weight=scaled_signs().reshape(1024, 4)), (Expected("pass"),)),
    Case(
        "short rows are judged where it is asked for",
        saved(fc__weight=scaled_signs().reshape(1024, 4)),
        (Expected("fail"),),
        {"min-columns": 4},
    ),
    Case("one value is another finding", saved(fc__weight=torch.ones(64, 64)), (Expected("pass"),)),
    Case("a few elements left", saved(fc__weight=lone()), (Expected("pass"),)),
    Case("too small", saved(fc__weight=normal(16, 16).sign()), (Expected("not-applicable"),)),
    Case(
        "thresholds out of order",
        thresholds((0.0, 1.0, 2.0), (0.0, 2.0, 1.0)),
        (
            Expected("not-applicable"),
            Expected("fail", "note", "high", ("tensor", "steps"), {"unsorted": 1, "channels": 2}),
        ),
    ),
    Case(
        "thresholds in order, equal ones among them",
        thresholds((0.0, 1.0, 1.0), (-2.0, 0.0, 1.0)),
        (Expected("not-applicable"),),
    ),
)
