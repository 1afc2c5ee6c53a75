"""The ONNX graph builder: networks that torch exported, and graphs made by hand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx_networks import (
    Node,
    built,
    edges,
    exported,
    joined,
    kernels,
    linear,
    made,
    node,
    norms,
    read,
    sole,
    straight,
)
from torch import nn

from modlint.checkpoint import Checkpoint
from modlint.network import Activation, Join, Network
from modlint.source import open_source
from modlint.verdict import Confidence
from modlint_plugins.networks.onnx_graph import OnnxGraphBuilder
from modlint_plugins.networks.onnx_graph.build import NO_LAYER
from modlint_plugins.networks.onnx_graph.naming import layer_name
from modlint_plugins.readers.onnx.reader import OnnxReader

torch_export = pytest.mark.filterwarnings("ignore")
EXPORTS: Sequence[Mapping[str, Any]] = (
    {"dynamo": True},
    {"opset_version": 20},
    {"opset_version": 9, "dynamic_axes": {"x": {0: "batch"}}},
    {
        "opset_version": 11,
        "do_constant_folding": False,
        "training": torch.onnx.TrainingMode.PRESERVE,
    },
)
BY_EXPORT = pytest.mark.parametrize("options", EXPORTS, ids=["dynamo", "opset20", "opset9", "raw"])


def array(parameter: object) -> NDArray[Any]:
    assert isinstance(parameter, torch.Tensor)
    values: NDArray[Any] = parameter.detach().numpy()
    return values


def activations(network: Network) -> list[str | None]:
    return [network.activation_of(call) for call in network.calls]


def trained_norms(module: nn.Module) -> nn.Module:
    """Norms that are not the identity."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            nn.init.uniform_(part.weight, -2, 2)
            nn.init.uniform_(part.running_var, 0.5, 2)
            nn.init.normal_(part.running_mean)
    return module


@torch_export
@BY_EXPORT
def test_an_mlp_is_rebuilt_from_every_export(options: Mapping[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(36, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 10)]
    module = nn.Sequential(*layers, nn.LogSoftmax(1))
    checkpoint = exported(tmp_path / "m.onnx", module, 2, 1, 6, 6, **options)
    network = sole(checkpoint)
    assert [(g.size, g.role, g.exposed) for g in network.groups] == [
        (36, "input", False),
        (20, "hidden", False),
        (10, "output", False),
    ]
    assert [call.name for call in network.calls] == ["1", "4"]
    assert activations(network) == ["relu", "logsoftmax"]
    assert edges(network) == {(None, "1"): straight(36), ("1", "4"): straight(20)}
    assert (network.source, network.confidence) == ("graph", Confidence.HIGH)
    for call, layer in zip(network.calls, (layers[1], layers[4]), strict=True):
        assert np.array_equal(kernels(checkpoint, call)[..., 0], array(layer.weight))
        assert call.bias in checkpoint.tensors


@torch_export
@BY_EXPORT
def test_a_cnn_with_norms_is_rebuilt_from_every_export(
    options: Mapping[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    depthwise, after = nn.Conv2d(6, 12, 3, groups=6), nn.BatchNorm2d(12)
    last_layer = nn.Linear(12 * 9, 5)
    module = trained_norms(
        nn.Sequential(
            *(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU6(), nn.MaxPool2d(2)),
            *(depthwise, nn.LeakyReLU(), after, nn.Flatten(), last_layer),
        )
    )
    checkpoint = exported(tmp_path / "m.onnx", module, 2, 3, 12, 12, **options)
    network = sole(checkpoint)
    first, second, last = network.calls
    assert [call.name for call in network.calls] == ["0", "4", "8"]
    assert activations(network) == ["relu6", "leakyrelu", "identity"]
    assert (second.groups, second.columns, second.rows) == (6, 6, 12)
    flattened = {(c, c * 9 + p) for c in range(12) for p in range(9)}
    assert joined(network) == {("0", "4"): straight(6), ("4", "8"): flattened}
    assert np.array_equal(kernels(checkpoint, second), array(depthwise.weight).reshape(12, 1, 9))
    assert np.array_equal(kernels(checkpoint, last)[..., 0], array(last_layer.weight))
    assert norms(network)[-1].kind == "batch"
    assert first.shape == (6, 3, 9)


@torch_export
def test_batch_norms_stay_where_they_are_kept(tmp_path: Path) -> None:
    module = nn.Sequential(
        *(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU()),
        *(nn.Linear(6, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.Linear(5, 2)),
    )
    options = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    network = sole(exported(tmp_path / "m.onnx", trained_norms(module), 3, 4, **options))
    first, second = norms(network)
    assert (first.kind, first.scale, first.shift) == ("batch", "1.weight", "1.bias")
    assert (first.mean, first.variance) == ("1.running_mean", "1.running_var")
    assert first.epsilon == pytest.approx(1e-5)
    assert (first.elements, second.scale) == ((range(6),), "5.weight")
    order = [type(op).__name__ for op in network.operations]
    assert order == ["Call", "Norm", "Activation", "Call", "Activation", "Norm", "Call"]


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result = self.function(x)
        assert isinstance(result, torch.Tensor)
        return result


@torch_export
@pytest.mark.parametrize(
    ("activation", "name", "opset"),
    [
        (nn.ReLU(), "relu", 7),
        (nn.LeakyReLU(), "leakyrelu", 17),
        (nn.PReLU(), "prelu", 17),
        (nn.ReLU6(), "relu6", 9),
        (nn.ReLU6(), "relu6", 17),
        (Function(lambda x: x.clamp(min=0)), "clip-at-zero", 17),
        (nn.Hardtanh(), "clip", 17),
        (nn.Sigmoid(), "sigmoid", 17),
        (nn.Tanh(), "tanh", 17),
        (nn.ELU(), "elu", 17),
        (nn.SELU(), "selu", 17),
        (nn.CELU(), "celu", 17),
        (nn.GELU(), "gelu", 20),
        (nn.GELU(), "gelu", 9),
        (nn.GELU("tanh"), "gelu", 17),
        (nn.SiLU(), "silu", 17),
        (nn.Mish(), "mish", 17),
        (nn.Softplus(), "softplus", 17),
        (nn.Softsign(), "softsign", 17),
        (nn.Hardsigmoid(), "hardsigmoid", 17),
        (nn.Hardswish(), "hardswish", 17),
        (nn.Hardswish(), "hardswish", 9),
        (Function(lambda x: torch.maximum(x, torch.zeros(1))), "relu", 17),
        (Function(torch.sin), "sin", 17),
    ],
)
def test_activations(activation: nn.Module, name: str, opset: int, tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(3, 4), activation, nn.Linear(4, 2))
    network = sole(exported(tmp_path / "m.onnx", module, 2, 3, opset_version=opset))
    assert activations(network) == [name, "identity"]
    assert joined(network) == {("0", "2"): straight(4)}
    assert not any(isinstance(op, Join) for op in network.operations)


@torch_export
def test_a_softmax_carries_no_channel_but_names_the_last_layer_s_activation(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Softmax(1), nn.Linear(4, 2), nn.Softmax(1))
    network = sole(exported(tmp_path / "m.onnx", module, 2, 3))
    (statistic,) = (op for op in network.operations if isinstance(op, Join))
    assert statistic.kind == "statistic"
    assert [op.name for op in network.operations if isinstance(op, Activation)] == ["softmax"]
    assert [group.role for group in network.groups] == ["input", "hidden", "input", "output"]


@torch_export
@pytest.mark.parametrize(
    ("between", "size", "channels_last"),
    [
        (nn.Flatten(), 36, False),
        (Function(lambda x: x.view(x.size(0), -1)), 36, False),
        (Function(lambda x: x.reshape(-1, 8 * 36)), 36, False),
        (Function(lambda x: x.permute(0, 2, 3, 1).flatten(1)), 36, True),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 1, False),
        (nn.Sequential(nn.AvgPool2d(6), Function(lambda x: x.squeeze(3).squeeze(2))), 1, False),
        (Function(lambda x: x.mean((2, 3))), 1, False),
        (Function(lambda x: x.flatten(2).mean(-1)), 1, False),
        (Function(lambda x: x.flatten(2).flatten(1)), 36, False),
    ],
)
@pytest.mark.parametrize("opset", [9, 17])
def test_channels_stay_neurons_through_a_flatten(
    between: nn.Module, size: int, channels_last: bool, opset: int, tmp_path: Path
) -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), between, nn.Linear(8 * size, 5))
    path, axes = tmp_path / "m.onnx", {"x": {0: "batch"}}
    checkpoint = exported(path, module, 2, 3, 8, 8, opset_version=opset, dynamic_axes=axes)
    network = sole(checkpoint)
    stride, step = (1, 8) if channels_last else (size, 1)
    expected = {(c, c * stride + p * step) for c in range(8) for p in range(size)}
    assert joined(network) == {("0", "3"): expected}
    (span,) = network.calls[1].reads
    assert (len(span.channels), span.stride, span.each) == (8, stride, size)


CHANNELS = {"w": (16, 3, 1, 1), "s": np.array([-1, 16]), "v": (16, 10), "u": (16, 16, 1, 1)}
EVERY = {(c, k) for c in range(16) for k in range(16)}
POOLED = {(c, (9 * c + p) % 16) for c in range(16) for p in range(9)}


def _rows_of_channels(*between: Node) -> set[tuple[int, int]]:
    nodes = [node("Conv", ["x", "w"], ["a"]), *between, node("Reshape", ["b", "s"], ["r"])]
    nodes.append(node("Gemm", ["r", "v"], ["y"]))
    network = sole(made(nodes, CHANNELS, inputs={"x": [1, 3, 4, 4]}))
    return {pair for (_, to), pairs in joined(network).items() if to == "v" for pair in pairs}


@pytest.mark.parametrize(
    ("between", "columns"),
    [
        ([node("Relu", ["a"], ["b"])], EVERY),
        ([node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2])], POOLED),
        ([node("GlobalAveragePool", ["a"], ["b"])], straight(16)),
        ([node("GlobalMaxPool", ["a"], ["p"]), node("Relu", ["p"], ["b"])], straight(16)),
        ([node("ReduceMean", ["a"], ["b"], axes=[2, 3])], straight(16)),
        ([node("ReduceMean", ["a"], ["b"], axes=[3, 2], keepdims=0)], straight(16)),
    ],
)
def test_rows_as_long_as_there_are_channels_are_what_they_are(
    between: list[Node], columns: set[tuple[int, int]]
) -> None:
    assert _rows_of_channels(*between) == columns


@torch_export
def test_transposed_convolutions_of_a_generator(tmp_path: Path) -> None:
    up = nn.ConvTranspose2d(6, 4, 4, groups=2)
    module = nn.Sequential(nn.ConvTranspose2d(10, 6, 4, bias=False), nn.ReLU(), up, nn.Tanh())
    checkpoint = exported(tmp_path / "m.onnx", module, 2, 10, 1, 1)
    network = sole(checkpoint)
    assert [call.kind for call in network.calls] == ["conv-transpose"] * 2
    call = network.calls[1]
    assert (call.groups, call.rows, call.columns) == (2, 4, 6)
    stored = array(up.weight).reshape(2, 3, 2, 16)  # groups, in, out, positions
    expected = stored.transpose(0, 2, 1, 3).reshape(4, 3, 16)
    assert np.array_equal(kernels(checkpoint, call), expected)


@torch_export
@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize(
    ("norm", "kind"), [(nn.LayerNorm(6), "layer"), (nn.InstanceNorm1d(6, affine=True), "group")]
)
def test_other_norms(norm: nn.Module, kind: str, opset: int, tmp_path: Path) -> None:
    if kind == "layer":
        module = nn.Sequential(nn.Linear(4, 6), norm, nn.ReLU(), nn.Linear(6, 2))
        shape: tuple[int, ...] = (3, 4)
    else:
        module = nn.Sequential(nn.Conv1d(4, 6, 1), norm, nn.ReLU(), nn.Conv1d(6, 2, 1))
        shape = (3, 4, 5)
    for name in ("weight", "bias"):
        nn.init.uniform_(norm.get_parameter(name), 0.5, 2)
    network = sole(exported(tmp_path / "m.onnx", module, *shape, opset_version=opset))
    (found,) = norms(network)
    assert (found.kind, found.scale, found.shift) == (kind, "1.weight", "1.bias")
    assert joined(network) == {("0", "3"): straight(6)}


@torch_export
@pytest.mark.parametrize("options", EXPORTS[:2], ids=["dynamo", "opset20"])
def test_a_group_norm_that_torch_spells_out(options: Mapping[str, Any], tmp_path: Path) -> None:
    norm = nn.GroupNorm(3, 6)
    nn.init.uniform_(norm.weight, 0.5, 2)
    module = nn.Sequential(nn.Conv2d(2, 6, 1), norm, nn.ReLU(), nn.Conv2d(6, 2, 1))
    network = sole(exported(tmp_path / "m.onnx", module, 3, 2, 5, 5, **options))
    assert "group" in {norm.kind for norm in norms(network)}
    assert joined(network) == {("0", "3"): straight(6)}


class Heads(nn.Module):
    """A body with two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 8), nn.Tanh())
        self.policy, self.value = nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.body(x)
        return torch.softmax(self.policy(hidden), -1), self.value(hidden).squeeze(-1)


@torch_export
def test_two_heads_on_one_body(tmp_path: Path) -> None:
    network = sole(exported(tmp_path / "m.onnx", Heads(), 2, 5))
    expected = {("body.0", "policy"): straight(8), ("body.0", "value"): straight(8)}
    assert joined(network) == expected
    roles = {group.name: group.role for group in network.groups}
    assert roles == {"x": "input", "body.0": "hidden", "policy": "output", "value": "output"}


@torch_export
@pytest.mark.parametrize("options", EXPORTS[:2], ids=["dynamo", "opset20"])
def test_layers_that_an_exporter_renamed_keep_their_names(
    options: Mapping[str, Any], tmp_path: Path
) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result = self.fc(x)
            assert isinstance(result, torch.Tensor)
            return result

    checkpoint = exported(tmp_path / "m.onnx", Block(), 2, 7, 4, **options)
    network = sole(checkpoint)  # three axes: the weights are transposed and renamed
    assert [call.name for call in network.calls] == ["fc.0", "fc.2"]
    assert all(call.bias in checkpoint.tensors for call in network.calls)


@pytest.mark.parametrize(
    ("weight", "bias", "name", "op", "expected"),
    [
        ("features.0.weight", None, "/features/features.0/Conv", "Conv", "features.0"),
        ("onnx::Conv_45", None, "/features/features.0/Conv", "Conv", "features.0"),
        ("onnx::MatMul_4", None, "/layer1/layer1.0/conv1/MatMul_1", "MatMul", "layer1.0.conv1"),
        ("val_3", "fc1.bias", "node_MatMul_3", "MatMul", "fc1"),
        (
            "onnx::MatMul_4_quantized",
            "other.bias",
            "/fc/fc.0/MatMul_quant",
            "MatMulInteger",
            "fc.0",
        ),
        ("fc.weight_quantized", None, "node_3", "QLinearConv", "fc"),
        ("conv2d_5/kernel:0", None, "conv2d_5", "Conv", "conv2d_5"),
        ("w:0", None, "model/dense_3/MatMul", "MatMul", "model/dense_3"),
        ("conv_1_W", None, "node_1", "Conv", "conv_1"),
        ("Parameter5", None, "Convolution28", "Conv", "Convolution28"),
        ("W1", None, "", "Gemm", "W1"),
        ("onnx::Gemm_1", None, "Gemm_7", "Gemm", "Gemm_7"),
    ],
)
def test_layer_names(weight: str, bias: str | None, name: str, op: str, expected: str) -> None:
    assert layer_name(weight, bias, name, op) == expected


def test_matmul_with_bias_on_either_side_is_a_linear_layer() -> None:
    nodes = [
        node("MatMul", ["x", "w1"], ["a"]),
        node("Add", ["a", "b1"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("MatMul", ["c", "w2"], ["d"]),
        node("Add", ["b2", "d"], ["y"]),
    ]
    tensors = {"w1": (4, 6), "b1": (6,), "w2": (6, 3), "b2": (3,)}
    network = sole(made(nodes, tensors))
    assert [call.bias for call in network.calls] == ["b1", "b2"]
    assert [(call.rows, call.columns) for call in network.calls] == [(6, 4), (3, 6)]
    assert norms(network) == []


def test_a_bias_that_something_reads_without_is_a_norm_of_its_own() -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Add", ["a", "b"], ["c"]),
        node("Add", ["a", "c"], ["y"]),
    ]
    network = sole(made(nodes, {"w": (4, 6), "b": (6,)}))
    assert network.calls[0].bias is None
    assert [(norm.kind, norm.shift) for norm in norms(network)] == [("affine", "b")]


def test_a_weight_on_the_left_and_weights_behind_constant_nodes() -> None:
    nodes = [
        node("Identity", ["w1"], ["w1i"]),
        node("Transpose", ["w1i"], ["w1t"], perm=[1, 0]),
        node("MatMul", ["w1t", "x"], ["a"]),
        node("Tanh", ["a"], ["b"]),
        node("Constant", [], ["w2"], value=numpy_helper.from_array(np.ones((3, 6), np.float32))),
        node("MatMul", ["w2", "b"], ["y"]),
    ]
    w1 = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    checkpoint = made(nodes, {"w1": w1}, inputs={"x": [4, 1]})
    network = sole(checkpoint)
    assert joined(network) == {("w1", "w2"): straight(6)}
    assert np.array_equal(kernels(checkpoint, network.calls[0])[..., 0], w1.T)
    assert kernels(checkpoint, network.calls[1]).shape == (3, 6, 1)


def test_a_reshaped_kernel_as_cntk_writes_it() -> None:
    nodes = [
        node("Conv", ["x", "k"], ["a"]),
        node("Add", ["a", "b"], ["c"]),
        node("Reshape", ["c", "flat"], ["d"]),
        node("Reshape", ["w", "matrix"], ["w2"]),
        node("MatMul", ["d", "w2"], ["y"]),
    ]
    tensors = {
        "k": (8, 1, 5, 5),
        "b": (8, 1, 1),
        "w": np.random.default_rng(1).normal(size=(8, 2, 2, 10)).astype(np.float32),
        "flat": np.array([1, 32]),
        "matrix": np.array([32, 10]),
    }
    checkpoint = made(nodes, tensors, inputs={"x": [1, 1, 6, 6]})
    network = sole(checkpoint)
    first, last = network.calls
    assert first.bias == "b"
    assert (last.weight, last.rows, last.columns) == ("w", 10, 32)
    assert joined(network) == {("k", "w"): {(c, c * 4 + p) for c in range(8) for p in range(4)}}
    expected = np.asarray(tensors["w"]).reshape(32, 10).T
    assert np.array_equal(kernels(checkpoint, last)[..., 0], expected)


def test_constants_behind_a_layer_scale_its_channels_and_those_on_the_input_do_not() -> None:
    nodes = [
        node("Sub", ["x", "offset"], ["p"]),
        node("Div", ["p", "half"], ["q"]),
        node("Gemm", ["q", "w1"], ["a"]),
        node("Mul", ["a", "gain"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("Mul", ["c", "half"], ["d"]),
        node("Gemm", ["d", "w2"], ["y"]),
    ]
    tensors = {"w1": (4, 6), "w2": (6, 3), "gain": (6,), "half": np.array(0.5), "offset": (4,)}
    network = sole(made(nodes, tensors))
    assert [norm.scale for norm in norms(network)] == ["gain"]
    assert edges(network) == {(None, "w1"): straight(4), ("w1", "w2"): straight(6)}


def test_a_norm_of_a_branch_is_read_by_the_layers_of_that_branch() -> None:
    norm = ["g", "g", "g", "g"]
    nodes = [
        node("Gemm", ["x", "w1"], ["a"]),
        node("BatchNormalization", ["a", *norm], ["b"]),
        node("Gemm", ["b", "w2"], ["y"]),
        node("Gemm", ["a", "w2"], ["z"]),
    ]
    network = sole(made(nodes, {"w1": (4, 6), "w2": (6, 3), "g": (6,)}, outputs=("y", "z")))
    (found,) = norms(network)
    first, normed, plain = network.calls
    assert [span.value for span in normed.reads] == [found.target]
    assert [span.value for span in plain.reads] == [first.target]
    assert len({call.name for call in network.calls}) == 3


def test_parts_that_nothing_connects_are_networks_of_their_own() -> None:
    nodes = [
        node("Gemm", ["x", "w1"], ["y"]),
        node("Gemm", ["z", "w2"], ["a"]),
        node("Add", ["a", "z"], ["b"], name="join"),
        node("Gemm", ["b", "w2"], ["c"]),
        node("Shape", ["n"], ["d"]),
    ]
    tensors = {"w1": (4, 6), "w2": (5, 5)}
    inputs = {"x": [1, 4], "z": [1, 5], "n": [1]}
    found = built(made(nodes, tensors, inputs=inputs, outputs=("y", "c", "d")))
    first, second = found.networks
    assert [len(network.calls) for network in (first, second)] == [1, 2]
    assert {group.size for group in second.groups} == {5}
    assert found.unplaced == ()


def test_nodes_out_of_order_and_nodes_without_use() -> None:
    nodes = [
        node("Gemm", ["c", "w2"], ["y"]),
        node("Concat", ["c", "c"], ["unused"], axis=1),
        node("Relu", ["a"], ["c"]),
        node("Gemm", ["x", "w1"], ["a"]),
    ]
    network = sole(made(nodes, {"w1": (4, 6), "w2": (6, 3)}))
    assert [call.name for call in network.calls] == ["w1", "w2"]


def test_a_concat_is_read_by_columns() -> None:
    nodes = [
        linear("x", "a"),
        node("Concat", ["a", "x", "a"], ["b"], axis=1),
        linear("b", "y", "v"),
    ]
    network = sole(made(nodes, {"w": (4, 4), "v": (12, 2)}))
    assert edges(network) == {
        (None, "w"): straight(4),
        ("w", "v"): straight(4) | {(i, 8 + i) for i in range(4)},
        (None, "v"): {(i, 4 + i) for i in range(4)},
    }


@pytest.mark.parametrize(
    ("extra", "output"),
    [
        ([], "b"),
        ([node("Transpose", ["b"], ["z"])], "z"),
        ([node("Slice", ["b", "i", "j"], ["z"])], "z"),
        ([node("Concat", ["b", "y"], ["z"], axis=1)], "z"),
        ([node("Softmax", ["b"], ["c"]), node("Concat", ["c", "c"], ["z"], axis=1)], "z"),
        ([node("ReduceMean", ["b"], ["z"], axes=[1])], "z"),
        ([node("Unheard", ["b"], ["z"], domain="com.x")], "z"),
    ],
)
def test_hidden_neurons_that_leave_the_network_are_exposed(extra: list[Node], output: str) -> None:
    nodes = [linear("x", "a"), node("Relu", ["a"], ["b"]), linear("b", "y"), *extra]
    tensors = {"w": (4, 4), "i": np.array([0]), "j": np.array([1])}
    network = sole(made(nodes, tensors, outputs=(output, "y")))
    hidden = next(group for group in network.groups if group.role == "hidden")
    assert hidden.exposed
    network = sole(made(nodes, tensors))
    assert not any(group.exposed for group in network.groups)


def test_a_norm_behind_the_last_layer_belongs_to_the_network() -> None:
    nodes = [
        linear("x", "a"),
        node("LayerNormalization", ["a", "g", "b"], ["n"]),
        linear("n", "c"),
        node("LayerNormalization", ["c", "h", "b"], ["y"]),
    ]
    tensors = {"w": (4, 4), "g": (4,), "h": (4,), "b": (4,)}
    network = sole(made(nodes, tensors))
    assert [norm.scale for norm in norms(network)] == ["g", "h"]
    assert network.value(norms(network)[1].target).is_output
    assert network.tensors == {"w", "g", "h", "b"}


def test_what_is_not_followed_spoils_what_reads_it_alone() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Unheard", ["a"], ["b"], domain="com.x", name="n"),
        node("Conv", ["b", "v"], ["c"], name="lost"),
        node("Conv", ["c", "u"], ["d"]),
        node("Conv", ["d", "t"], ["y"]),
    ]
    tensors = {"w": (8, 2, 1, 1), "v": (4, 8, 1, 1), "u": (6, 4, 1, 1), "t": (2, 6, 1, 1)}
    found = built(made(nodes, tensors, inputs={"x": [1, 2, 8, 8]}))
    (network,) = found.networks
    assert [call.weight for call in network.calls] == ["w", "u", "t"]
    assert joined(network) == {("u", "t"): straight(6)}
    assert [(u.tensor, "com.x.Unheard" in u.reason) for u in found.unplaced] == [("v", True)]
    roles = {group.name: group for group in network.groups}
    assert roles["w"].exposed
    assert network.value("lost").is_input


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([linear("x", "y"), node("Relu", ["y"], ["y"])], "value 'y' has more than one source"),
        ([node("Add", ["y", "x"], ["a"]), linear("a", "y")], "the graph has a cycle at"),
        ([node("Relu", ["x"], ["y"])], NO_LAYER),
        ([], NO_LAYER),
    ],
)
def test_graphs_without_a_network_say_why(nodes: list[Node], reason: str) -> None:
    found = built(made(nodes, {"w": (4, 4)}))
    (network,) = found.networks
    assert network.reason is not None
    assert reason in network.reason
    assert (network.calls, network.source, network.confidence) == ((), None, None)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([node("Gemm", ["x", "absent"], ["a"], name="n"), linear("a", "y")], "does not hold"),
        ([linear("x", "a", "v"), linear("a", "y")], "the Gemm node that gives 'a' multiplies"),
        ([node("Conv", ["x", "w"], ["a"], name="n"), linear("a", "y")], "which is no kernel"),
        (
            [node("Fused", ["x", "w"], ["y"], domain="com.x", name="n")],
            "'n' (Fused) is com.x.Fused",
        ),
        ([node("MatMul", ["x", "e"], ["a"]), node("NonZero", ["w"], ["e"])], "is not known"),
    ],
)
def test_reasons_name_the_node(nodes: list[Node], reason: str) -> None:
    outputs = sorted({name for one in nodes for name in one.output})
    found = built(made(nodes, {"w": (4, 4), "v": (5, 3)}, outputs=outputs))
    assert [u.tensor for u in found.unplaced] or found.networks[0].reason
    said = [u.reason for u in found.unplaced]
    assert any(reason in text for text in said) or not said


def test_a_tensor_beside_itself_again_and_again_is_not_held_element_by_element() -> None:
    """Sixteen times as long after each step, 2³⁵ elements in the end."""
    steps = [node("Concat", [f"v{i}"] * 16, [f"v{i + 1}"], axis=0) for i in range(8)]
    sums = [node("ReduceSum", ["v8"], ["sum"]), node("Mul", ["h", "sum"], ["y"])]
    nodes = [node("MatMul", ["x", "w"], ["h"]), *steps, *sums]
    checkpoint = made(nodes, {"w": (4, 3), "v0": (8,)})
    tracemalloc.start()
    (network,) = built(checkpoint).networks
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 29
    assert [call.name for call in network.calls] == ["w"]


def test_operator_sets_before_seven_are_not_rebuilt() -> None:
    (network,) = built(made([linear("x", "y")], {"w": (4, 4)}, opset=6)).networks
    assert network.reason == "operator set 6 is older than 7"


def test_other_checkpoints_are_left_to_other_builders() -> None:
    assert OnnxGraphBuilder().build(Checkpoint(Path("m.pt"), "torch-zip", 0)) is None
    assert read(b"\x08\x08").format == "onnx"


def test_tied_weights_and_a_layer_with_the_name_of_an_input() -> None:
    nodes = [
        node("Gemm", ["w", "w.weight"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Gemm", ["b", "w.weight"], ["y"]),
    ]
    network = sole(made(nodes, {"w.weight": (4, 4)}, inputs={"w": [1, 4]}))
    assert len({value.name for value in network.values}) == len(network.values) == 4
    assert {call.weight for call in network.calls} == {"w.weight"}


def test_the_real_models_are_rebuilt(shared: Path) -> None:
    placed = left = 0
    paths = sorted((shared / "models").rglob("*.onnx"))
    for path in paths:
        checkpoint = OnnxReader().read(open_source(path))
        found = built(checkpoint)
        for network in found.networks:
            assert network.tensors <= checkpoint.tensors.keys()
        placed += len({call.weight for network in found.networks for call in network.calls})
        left += len(found.unplaced)
        assert all(len(unplaced.reason) < 300 for unplaced in found.unplaced)
    assert len(paths) > 20
    assert placed / (placed + left) >= 0.98


@torch_export
def test_repeated_parts_are_named(tmp_path: Path) -> None:
    def block() -> nn.Sequential:
        return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 4))

    module = nn.Sequential(nn.Linear(3, 4), nn.Sequential(block(), block()), nn.Linear(4, 2))
    network = sole(exported(tmp_path / "m.onnx", module, 2, 3))
    assert [call.name for call in network.calls][1:3] == ["1.0.0", "1.0.2"]
    assert network.blocks == ("1.0", "1.1")
