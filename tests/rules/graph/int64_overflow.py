"""Cases of GRF005."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from onnx_models import CONDITION, array, branch, choice, function, model, node, value
from planted import Write, exported, found, onnx_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn

INT = TensorProto.INT64
ENDS: dict[str, Any] = {"inputs": [value("x", INT)], "outputs": [value("y", INT)]}
BEYOND = 1 << 40


def read_by(operator: str, *elements: int, opset: int = 17) -> Write:
    return onnx_file(
        model(node(operator, "x k", "y"), tensors=[array("k", *elements)], opset=opset, **ENDS)
    )


def sliced(end: int, *between: Any, ends: str = "e") -> Write:
    tensors = [array("s", 0), array("e", end), array("a", 1), array("one", 0)]
    return onnx_file(model(*between, node("Slice", f"x s {ends} a", "y"), tensors=tensors))


def given_by_a_node(**how: Any) -> Write:
    return onnx_file(model(node("Constant", "", "k", **how), node("Mul", "x k", "y"), **ENDS))


def scalar(number: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(number), "k")


def many(position: int, size: int = 3_000_000) -> Write:
    table = np.zeros(size, np.int64)
    table[position] = BEYOND
    made = model(node("Gather", "k x", "y"), tensors=[numpy_helper.from_array(table, "k")], **ENDS)
    return onnx_file(made)


class Hash(nn.Module):
    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.factor) % 97


class Ends(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 1:, ::2]


PLANTED = (
    *(
        found(f"{operator} by {number:,}", read_by(operator, number), "warning")
        for operator, number in (
            ("Mul", 1 << 31),
            ("Mul", 6364136223846793005),
            ("Mul", -(1 << 31) - 1),
            ("Add", 3_000_000_000),
            ("Mod", (1 << 32) - 5),
            ("Sub", BEYOND),
            ("Div", 10**10),
            ("Max", 1 << 33),
            ("Equal", 4_294_967_295),
            ("BitwiseXor", 1442695040888963407),
            ("Add", -BEYOND),
        )
        if operator != "Equal"
    ),
    found("one element of several", read_by("Add", 1, 2, BEYOND, opset=17), "warning"),
    found(
        "a single number",
        onnx_file(model(node("Add", "x k", "y"), tensors=[scalar(BEYOND)], **ENDS)),
        "warning",
    ),
    found("a Constant's tensor", given_by_a_node(value=array("k", BEYOND)), "warning"),
    found("a Constant's number", given_by_a_node(value_int=BEYOND), "warning"),
    found("a Constant's list", given_by_a_node(value_ints=[1, 2, BEYOND]), "warning"),
    found("the last of many", many(-1), "warning"),
    found("the first of many", many(0), "warning"),
    found(
        "one that is cast",
        onnx_file(
            model(
                node("Cast", "k", "f", to=1), node("Mul", "x f", "y"), tensors=[array("k", BEYOND)]
            )
        ),
        "warning",
    ),
    found(
        "one that a slice and a sum read",
        onnx_file(
            model(
                node("Slice", "x s k a", "h"),
                node("Add", "h k", "y"),
                tensors=[array("s", 0), array("k", BEYOND), array("a", 1)],
                **ENDS,
            )
        ),
        "warning",
    ),
    found(
        "in a branch",
        onnx_file(
            model(
                choice(branch(node("Add", "x k", "b"), initializer=[array("k", BEYOND)])),
                tensors=[CONDITION],
                **ENDS,
            )
        ),
        "warning",
    ),
    found(
        "in a function",
        onnx_file(
            model(
                node("f", "x", "y", domain="own"),
                functions=[
                    function(node("Constant", "", "k", value_int=BEYOND), node("Add", "a k", "b"))
                ],
                opsets={"own": 1},
                **ENDS,
            )
        ),
        "warning",
    ),
    found(
        "an output",
        onnx_file(
            model(
                node("Abs", "x", "y"),
                inputs=[value("x", INT)],
                outputs=[value("y", INT), value("k", INT, (1,))],
                tensors=[array("k", BEYOND)],
            )
        ),
        "warning",
    ),
    Case(
        "a hash, the TorchScript exporter",
        exported(Hash(2654435761), torch.ones(2, 3, dtype=torch.int64), dynamo=False),
        (Expected("fail", "warning", values={"first": 2654435761}),),
    ),
)

NEAR_MISSES = (
    *(
        silent(f"a slice that ends at {end:,}", sliced(end))
        for end in ((1 << 63) - 1, (1 << 63) - 2, 1 << 31, BEYOND, 1 << 62, -(1 << 63), -(1 << 40))
    ),
    silent(
        "a bound behind an Unsqueeze",
        sliced(BEYOND, node("Squeeze", "e one", "q"), node("Unsqueeze", "q one", "u"), ends="u"),
    ),
    silent("a bound behind an Identity", sliced(BEYOND, node("Identity", "e", "u"), ends="u")),
    silent(
        "a bound of several",
        onnx_file(
            model(
                node("Concat", "e o", "u", axis=0),
                node("Slice", "x s u a", "y"),
                tensors=[array("s", 0, 0), array("e", BEYOND), array("o", 2), array("a", 0, 1)],
            )
        ),
    ),
    silent(
        "a limit of Clip",
        onnx_file(model(node("Clip", "x - k", "y"), tensors=[scalar(BEYOND)], **ENDS)),
    ),
    *(
        silent(f"Add of {number:,}", read_by("Add", number))
        for number in ((1 << 31) - 1, -(1 << 31), 0, -1)
    ),
    *(
        silent(f"Min with {number:,}", read_by("Min", number))
        for number in ((1 << 63) - 1, 9223371487098961920, 1 << 62)
    ),
    silent(
        "what nothing reads",
        onnx_file(model(node("Abs", "x", "y"), tensors=[array("k", BEYOND)], **ENDS)),
    ),
    silent(
        "a large number that is real",
        onnx_file(
            model(
                node("Mul", "x k", "y"),
                tensors=[numpy_helper.from_array(np.array([1e12], np.float32), "k")],
            )
        ),
    ),
    silent(
        "many small ones",
        onnx_file(
            model(
                node("Gather", "k x", "y"),
                tensors=[numpy_helper.from_array(np.arange(3_000_000), "k")],
                **ENDS,
            )
        ),
    ),
    silent("slices, the TorchScript exporter", exported(Ends(), torch.ones(2, 5, 6), dynamo=False)),
    silent("slices, the dynamo exporter", exported(Ends(), torch.ones(2, 5, 6), dynamo=True)),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
