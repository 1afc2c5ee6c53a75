"""Quantised weights of ONNX models as onnxruntime writes them, against what it computes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from rule_cases import verdicts
from support import file_result

from modlint.analysis.quantisation import QuantisedWeights, values_of
from modlint.engine.load import load_whole
from modlint.engine.registry import Registry, load_registry
from modlint.results.quantisation import Quantisation
from modlint.verdict import Outcome

SIZES = (48, 64, 32)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


class Data(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        values = np.random.default_rng(1).standard_normal((8, 1, SIZES[0])).astype(np.float32)
        self.batches: Iterator[dict[str, np.ndarray]] = iter([{"x": value} for value in values])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)


def perceptron(folder: Path) -> Path:
    """Two layers of MatMul."""
    generator = np.random.default_rng(0)
    nodes, weights, name = [], [], "x"
    for i, (rows, columns) in enumerate(pairwise(SIZES)):
        values = generator.standard_normal((rows, columns)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"w{i}"))
        nodes.append(helper.make_node("MatMul", [name, f"w{i}"], [f"m{i}"], name=f"mm{i}"))
        nodes.append(helper.make_node("Relu", [f"m{i}"], [f"r{i}"], name=f"relu{i}"))
        name = f"r{i}"
    return saved(folder / "float.onnx", nodes, weights, SIZES[0], name)


def saved(
    path: Path,
    nodes: list[onnx.NodeProto],
    weights: list[onnx.TensorProto],
    inputs: int,
    output: str,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, inputs])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        weights,
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


def found_in(path: Path, registry: Registry) -> Quantisation:
    found = file_result(QuantisedWeights(), load_whole(path, registry.readers))
    assert not found.breaches
    (verdict,) = verdicts(path, registry, "quantisation-contract")
    assert verdict.outcome is Outcome.PASS, verdict.message
    return found


def originals(folder: Path) -> dict[str, np.ndarray]:
    initializers = onnx.load(folder / "float.onnx").graph.initializer
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in initializers}


def identity_of(path: Path, scheme: str, rows: int) -> np.ndarray:
    """What the first node of a scheme makes of the identity: the weight that it computes with."""
    model = onnx.load(path)
    node = next(n for n in model.graph.node if n.op_type == scheme)
    used = [t for t in model.graph.initializer if t.name in node.input]
    node.input[0] = "x"
    alone = saved(path.with_name("alone.onnx"), [node], used, rows, node.output[0])
    session = onnxruntime.InferenceSession(alone, providers=["CPUExecutionProvider"])
    (value,) = session.run(None, {"x": np.eye(rows, dtype=np.float32)})
    return np.asarray(value)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", [QuantType.QInt8, QuantType.QUInt8])
def test_qdq(per_channel: bool, kind: QuantType, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "qdq.onnx"
    quantize_static(
        perceptron(tmp_path),
        path,
        Data(),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        weight_type=kind,
        activation_type=kind,
    )
    found = found_in(path, registry)
    for name, original in originals(tmp_path).items():
        values = values_of(found.weights[name])
        assert np.abs(values - original).max() < np.abs(original).max() / 100


@pytest.mark.parametrize("per_channel", [False, True])
def test_integer_operators(per_channel: bool, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "dynamic.onnx"
    quantize_dynamic(perceptron(tmp_path), path, per_channel=per_channel)
    found = found_in(path, registry)
    for name, original in originals(tmp_path).items():
        values = values_of(found.weights[name])
        assert np.abs(values - original).max() < np.abs(original).max() / 50


def test_qlinear(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "qlinear.onnx"
    quantize_static(perceptron(tmp_path), path, Data(), quant_format=QuantFormat.QOperator)
    found = found_in(path, registry)
    assert {weight.scheme for weight in found.weights.values()} == {"ONNX integer operators"}


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("block", [16, 32])
def test_n_bits(symmetric: bool, block: int, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "q4.onnx"
    quantiser = MatMulNBitsQuantizer(
        onnx.load(perceptron(tmp_path)), block_size=block, is_symmetric=symmetric
    )
    quantiser.process()
    onnx.save(quantiser.model.model, path)
    found = found_in(path, registry)
    first = next(iter(found.weights.values()))
    expected = identity_of(path, "MatMulNBits", SIZES[0]).T
    assert np.abs(values_of(first) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("axis", "block"), [(0, 16), (1, 8), (0, 0), (1, 0)])
@pytest.mark.parametrize("kind", [TensorProto.INT4, TensorProto.UINT4, TensorProto.INT8])
def test_dequantise_linear(
    axis: int, block: int, kind: int, tmp_path: Path, registry: Registry
) -> None:
    generator = np.random.default_rng(2)
    shape = [32, 24]
    low = 0 if kind == TensorProto.UINT4 else -8
    codes = generator.integers(low, low + 16, shape)
    blocked = [size // block if i == axis and block else size for i, size in enumerate(shape)]
    scale = generator.random(blocked if block else shape[axis]).astype(np.float32) + 0.1
    initializers = [
        helper.make_tensor("w_quantized", kind, shape, codes.reshape(-1).tolist()),
        numpy_helper.from_array(scale, "s"),
    ]
    blocks = {"block_size": block} if block else {}
    node = helper.make_node("DequantizeLinear", ["w_quantized", "s"], ["w"], axis=axis, **blocks)
    same = helper.make_node("Identity", ["x"], ["unused"])
    path = saved(tmp_path / "dq.onnx", [node, same], initializers, shape[0], "w")
    values = values_of(found_in(path, registry).weights["w"])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (expected,) = session.run(["w"], {"x": np.zeros((1, shape[0]), np.float32)})
    assert np.abs(values - expected).max() <= 1e-6 * np.abs(expected).max()


def _broken(folder: Path, scale: np.ndarray, zero: np.ndarray, axis: int) -> Path:
    initializers = [
        numpy_helper.from_array(np.ones((32, 24), np.int8), "w_quantized"),
        numpy_helper.from_array(scale.astype(np.float32), "s"),
        numpy_helper.from_array(zero.astype(np.int8), "z"),
    ]
    node = helper.make_node("DequantizeLinear", ["w_quantized", "s", "z"], ["w"], axis=axis)
    multiply = helper.make_node("MatMul", ["x", "w"], ["y"])
    return saved(folder / "broken.onnx", [node, multiply], initializers, 32, "y")


@pytest.mark.parametrize(
    ("scale", "zero", "axis", "kind"),
    [
        (np.ones(24), np.zeros(24), 0, "scale-shape"),
        (np.ones(32), np.zeros(32), 1, "scale-shape"),
        (np.ones(24), np.zeros(23), 1, "zero-point-shape"),
        (np.ones(24), np.zeros(24), 5, "scale-shape"),
        (np.zeros(24), np.zeros(24), 1, "scale-zero"),
        (np.full(24, np.nan), np.zeros(24), 1, "scale-not-finite"),
        (np.full(24, -0.5), np.zeros(24), 1, "scale-negative"),
    ],
)
def test_planted(
    scale: np.ndarray,
    zero: np.ndarray,
    axis: int,
    kind: str,
    tmp_path: Path,
    registry: Registry,
) -> None:
    path = _broken(tmp_path, scale, zero, axis)
    (verdict,) = verdicts(path, registry, "quantisation-contract")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.values["kind"] == kind


@pytest.mark.parametrize("role", ["scales", "zero_points", "Q4"])
def test_lengths_of_n_bits(role: str, tmp_path: Path, registry: Registry) -> None:
    quantiser = MatMulNBitsQuantizer(
        onnx.load(perceptron(tmp_path)), block_size=32, is_symmetric=False
    )
    quantiser.process()
    model = quantiser.model.model
    tensor = next(t for t in model.graph.initializer if t.name == f"w0_{role}")
    values = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(values[1:], tensor.name))
    onnx.save(model, tmp_path / "short.onnx")
    (verdict,) = verdicts(tmp_path / "short.onnx", registry, "quantisation-contract")
    assert verdict.outcome is Outcome.FAIL
