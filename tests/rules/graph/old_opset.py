"""Cases of GRF004."""

from __future__ import annotations

import onnx
import torch
from onnx_models import model, node
from planted import Write, found, onnx_file, silent, torch_file


def of(version: int) -> Write:
    return onnx_file(model(node("Relu", "x", "y"), opset=version))


def of_ml() -> Write:
    made = model(node("Scaler", "x", "y", domain="ai.onnx.ml", offset=[0.0], scale=[1.0]))
    del made.opset_import[:]
    made.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 3))
    return onnx_file(made)


WANTED = (
    *((6, 7), (7, 9), (9, 11), (11, 12), (12, 13), (13, 14), (14, 15), (15, 16), (16, 17)),
    *((17, 18), (13, 18), (11, 17), (18, 19)),
)
"""A model's opset, and the oldest that is accepted."""

PLANTED = (
    *(found(f"opset {v} for onnxruntime", of(v), "note", runtime="onnxruntime") for v in (1, 6)),
    *(found(f"opset {v} for TensorRT", of(v), "note", runtime="tensorrt") for v in (6, 7, 8)),
    *(
        found(f"opset {version} where {oldest} is wanted", of(version), "note", min_opset=oldest)
        for version, oldest in WANTED
    ),
    found("the number over the runtime", of(11), "note", runtime="onnxruntime", min_opset=13),
    found(
        "the domain by its other name",
        onnx_file(model(node("Relu", "x", "y", domain="ai.onnx"), opset=7)),
        "note",
        runtime="tensorrt",
    ),
)

NEAR_MISSES = (
    *(silent(f"opset {v}, nothing configured", of(v), "not-applicable") for v in (1, 6, 8, 11, 17)),
    *(silent(f"opset {v} for onnxruntime", of(v), runtime="onnxruntime") for v in (7, 8, 13, 21)),
    *(silent(f"opset {v} for TensorRT", of(v), runtime="tensorrt") for v in (9, 11, 17, 20)),
    *(silent(f"opset {v}, which is wanted", of(v), min_opset=v) for v in (7, 9, 11, 13, 17)),
    silent("the number over the runtime", of(8), runtime="tensorrt", min_opset=8),
    silent("no operator of ONNX's own", of_ml(), "not-applicable", runtime="onnxruntime"),
)

CASES = (
    *PLANTED,
    *NEAR_MISSES,
    silent("a file without a graph", torch_file({"w": torch.ones(2)}), "not-applicable"),
)
