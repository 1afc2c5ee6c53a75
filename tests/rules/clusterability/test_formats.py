"""One network in three formats gets one verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from hand_built import planted_weights
from onnx import TensorProto, helper, numpy_helper
from rule_cases import verdicts
from safetensors.torch import save_file

from modlint.engine.registry import load_registry

WEIGHTS = planted_weights(3, 10, 60, 50, 50, 50, 10)
OPTIONS = {"clusters": 10, "shuffles": 19}


def _state() -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = {}
    for i, weight in enumerate(WEIGHTS):
        state |= {f"{2 * i}.weight": weight, f"{2 * i}.bias": torch.full((len(weight),), 0.1)}
    return state


def _torch(folder: Path) -> Path:
    torch.save(_state(), folder / "model.pt")
    return folder / "model.pt"


def _safetensors(folder: Path) -> Path:
    save_file(_state(), folder / "model.safetensors")
    return folder / "model.safetensors"


def _onnx(folder: Path) -> Path:
    """Gemm with stored (out, in) weights and MatMul with (in, out) ones take turns."""
    nodes, tensors, value = [], [], "x"
    for i, weight in enumerate(WEIGHTS):
        gemm = i % 2 == 0
        stored = weight if gemm else weight.T.contiguous()
        tensors.append(numpy_helper.from_array(stored.numpy(), f"w{i}"))
        tensors.append(numpy_helper.from_array(torch.full((len(weight),), 0.1).numpy(), f"b{i}"))
        if gemm:
            nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"z{i}"], transB=1))
        else:
            nodes.append(helper.make_node("MatMul", [value, f"w{i}"], [f"p{i}"]))
            nodes.append(helper.make_node("Add", [f"p{i}", f"b{i}"], [f"z{i}"]))
        nodes.append(helper.make_node("Relu", [f"z{i}"], [f"a{i}"]))
        value = f"a{i}"
    ends = (
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 60]),
        helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", 10]),
    )
    graph = helper.make_graph(nodes, "mlp", [ends[0]], [ends[1]], tensors)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), folder / "m.onnx"
    )
    return folder / "m.onnx"


@pytest.mark.parametrize("write", [_safetensors, _onnx])
def test_the_same_values_as_from_a_torch_file(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    registry = load_registry()
    (expected,) = verdicts(_torch(tmp_path), registry, "not-clusterable", OPTIONS)
    (found,) = verdicts(write(tmp_path), registry, "not-clusterable", OPTIONS)
    assert found.outcome == expected.outcome == "pass"
    assert found.values == expected.values
    assert found.message == expected.message
