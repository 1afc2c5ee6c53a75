"""Cases of GRF008."""

from __future__ import annotations

import torch
from onnx import TensorProto, helper
from onnx_models import function, model, node
from planted import Write, found, onnx_file, silent, torch_file
from rule_cases import Case, Expected


def stated(ir: int, opset: int = 17, **rest: object) -> Write:
    made = model(node("Relu", "x", "y"), opset=opset, **rest)
    made.ir_version = ir
    return onnx_file(made)


def of_ml(ir: int, version: int) -> Write:
    made = model(node("Scaler", "x", "y", domain="ai.onnx.ml", offset=[0.0], scale=[1.0]))
    del made.opset_import[:]
    made.opset_import.append(helper.make_opsetid("ai.onnx.ml", version))
    made.ir_version = ir
    return onnx_file(made)


def of_own(ir: int) -> Write:
    made = model(node("Odd", "x", "y", domain="own"))
    del made.opset_import[:]
    made.opset_import.append(helper.make_opsetid("own", 1))
    made.ir_version = ir
    return onnx_file(made)


def packed(data_type: int, ir: int, opset: int) -> Write:
    tensor = TensorProto(
        name="k", data_type=data_type, dims=[2], raw_data=bytes(2 if data_type < 20 else 1)
    )
    return stated(ir, opset, tensors=[tensor])


def called(ir: int, opset: int) -> Write:
    made = model(
        node("f", "x", "y", domain="own"),
        functions=[function(node("Relu", "a", "b"), opsets={"": opset})],
        opsets={"own": 1},
        opset=opset,
    )
    made.ir_version = ir
    return onnx_file(made)


PLANTED = (
    Case(
        "a model of opset 11 made by today's onnx",
        stated(13, 11),
        (Expected("fail", "warning", values={"ir_version": 13, "needed": 6}, message="need 6"),),
    ),
    *(
        found(f"IR {ir} with opset {opset}", stated(ir, opset), "warning")
        for ir, opset in (
            (8, 7),
            (9, 9),
            (13, 15),
            (13, 16),
            (14, 15),
            (14, 16),
            (12, 14),
            (14, 18),
            (13, 12),
            (13, 13),
            (13, 17),
            (14, 17),
            (13, 18),
            (14, 19),
            (14, 20),
            (12, 11),
            (11, 9),
            (10, 9),
            (14, 13),
        )
        if ir - {7: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 19: 9, 20: 9, 21: 10}.get(opset, 8)
        > 4
    ),
    found("operators of ai.onnx.ml alone", of_ml(11, 2), "warning"),
    found("newer than is loaded", stated(9, 19), "warning", max_ir=8),
    found("newer than is loaded, as exporters write", stated(10, 18), "warning", max_ir=9),
    found("newer than is loaded, of an own domain", of_own(10), "warning", max_ir=9),
    found("two ahead where one may be", stated(10, 17), "warning", max_lead=1),
    found("functions do not need so much", called(13, 11), "warning"),
)

NEAR_MISSES = (
    *(
        silent(f"IR {ir} with opset {opset}", stated(ir, opset))
        for ir, opset in (
            (3, 8),
            (4, 9),
            (6, 9),
            (6, 8),
            (9, 11),
            (7, 12),
            (7, 13),
            (10, 13),
            (10, 11),
            (12, 17),
            (8, 17),
            (10, 17),
            (11, 17),
            (10, 18),
            (11, 18),
            (9, 20),
            (10, 20),
            (10, 21),
            (11, 23),
        )
    ),
    silent("operators of ai.onnx.ml alone", of_ml(8, 3)),
    silent("operators of an own domain alone", of_own(13), "not-applicable"),
    silent("an older format than the opset's", stated(3, 9)),
    silent("what is loaded", stated(9, 19), max_ir=9),
    silent("a type that needs it", packed(TensorProto.INT4, 10, 13)),
    silent("a type that needs most of it", packed(TensorProto.FLOAT8E4M3FN, 10, 11)),
    silent("functions that need it", called(10, 11)),
    silent("five ahead where five may be", stated(13, 17), max_lead=5),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
