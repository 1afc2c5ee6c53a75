"""The ONNX graph builder: networks that torch exported, and graphs made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from modlint.checkpoint import Checkpoint
from modlint.network import Network
from modlint.numerics.graph.weights import build_graph
from modlint.numerics.tensor.values import values_of
from modlint.source import Source, open_source
from modlint.verdict import Confidence
from modlint_plugins.networks.onnx_graph import OnnxGraphBuilder
from modlint_plugins.networks.onnx_graph.build import NO_LAYER
from modlint_plugins.networks.onnx_graph.naming import layer_name
from modlint_plugins.readers.onnx.reader import OnnxReader

Node = onnx.NodeProto
node = helper.make_node


def read(data: bytes) -> Checkpoint:
    return OnnxReader().read(Source(Path("model.onnx"), memoryview(data)))


def networks_of(checkpoint: Checkpoint) -> Sequence[Network]:
    networks = OnnxGraphBuilder().build(checkpoint)
    assert networks is not None
    assert [network.id for network in networks] == [str(i) for i in range(len(networks))]
    return networks


def sole(checkpoint: Checkpoint) -> Network:
    (network,) = networks_of(checkpoint)
    return network


def made(
    nodes: Iterable[Node],
    tensors: Mapping[str, Any],
    *,
    inputs: Mapping[str, Sequence[int | str] | None] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
) -> Checkpoint:
    """A checkpoint of a graph: tensors by name, given as arrays or as shapes."""
    generator = np.random.default_rng(0)
    arrays = {
        name: value if isinstance(value, np.ndarray) else generator.normal(size=value)
        for name, value in tensors.items()
    }
    graph = helper.make_graph(
        list(nodes),
        "net",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in (inputs or {"x": [1, 4]}).items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(a.astype(np.float32) if a.dtype == np.float64 else a, name)
            for name, a in arrays.items()
        ],
    )
    opsets = [helper.make_opsetid("", opset)]
    return read(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


class Weights:
    """What the weight graph reads of a checkpoint."""

    device = torch_device = torch.device("cpu")

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    def weight(self, name: str) -> torch.Tensor:
        return values_of(self.checkpoint.tensors[name], torch.device(self.device))

    def progress(self, what: str, done: int, total: int) -> None:
        """Not shown."""

    def result(self, analysis: object) -> Any:
        raise NotImplementedError


def blocks(checkpoint: Checkpoint, network: Network) -> list[torch.Tensor]:
    """The weight matrices, (in, out) each, in float64."""
    graph = build_graph(network, Weights(checkpoint), "l1")
    return [block.weights.double() for block in graph.blocks]


def exported(path: Path, module: nn.Module, *shape: int, **options: Any) -> Checkpoint:
    options = {"dynamo": False, "input_names": ["x"]} | options
    torch.onnx.export(module.eval(), (torch.randn(shape),), str(path), verbose=False, **options)
    return OnnxReader().read(open_source(path))


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


@torch_export
@BY_EXPORT
def test_an_mlp_is_rebuilt_from_every_export(options: Mapping[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(36, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 10)]
    module = nn.Sequential(*layers, nn.LogSoftmax(1))
    checkpoint = exported(tmp_path / "m.onnx", module, 2, 1, 6, 6, **options)
    network = sole(checkpoint)
    assert [(g.size, g.role) for g in network.groups] == [
        (36, "input"),
        (20, "hidden"),
        (10, "output"),
    ]
    assert [layer.name for layer in network.layers] == ["1", "4"]
    assert [layer.activation for layer in network.layers] == ["relu", "logsoftmax"]
    assert network.layers[1].inputs == ("1",)
    assert (network.source, network.confidence) == ("graph", Confidence.HIGH)
    for block, linear in zip(blocks(checkpoint, network), (layers[1], layers[4]), strict=True):
        weight = linear.weight
        assert isinstance(weight, torch.Tensor)
        assert torch.equal(block, weight.detach().abs().double().T)


@torch_export
@BY_EXPORT
def test_a_cnn_with_norms_is_rebuilt_from_every_export(
    options: Mapping[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    conv, before = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
    depthwise, after = nn.Conv2d(6, 12, 3, groups=6), nn.BatchNorm2d(12)
    linear = nn.Linear(12 * 9, 5)
    module = trained_norms(
        nn.Sequential(
            *(conv, before, nn.ReLU6(), nn.MaxPool2d(2)),
            *(depthwise, nn.LeakyReLU(), after, nn.Flatten(), linear),
        )
    )
    checkpoint = exported(tmp_path / "m.onnx", module, 2, 3, 12, 12, **options)
    network = sole(checkpoint)
    assert [layer.name for layer in network.layers] == ["0", "4", "8"]
    assert [layer.activation for layer in network.layers] == ["relu6", "leakyrelu", "identity"]
    assert [layer.columns_per_unit for layer in network.layers] == [1, 1, 9]
    assert [len(layer.input_norms) for layer in network.layers] == [0, 0, 1]

    def factor(norm: nn.BatchNorm2d) -> torch.Tensor:
        assert norm.running_var is not None
        return (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().double()

    first = (conv.weight.detach().double() * factor(before).view(-1, 1, 1, 1)).abs().sum((2, 3))
    second = torch.zeros(6, 12, dtype=torch.float64)
    for out in range(12):
        second[out // 2, out] = depthwise.weight[out].detach().double().abs().sum()
    columns = linear.weight.detach().double().view(5, 12, 9) * factor(after).view(1, -1, 1)
    expected = (first.T, second, columns.abs().sum(2).T)
    for block, matrix in zip(blocks(checkpoint, network), expected, strict=True):
        torch.testing.assert_close(block, matrix, rtol=1e-5, atol=1e-7)


@torch_export
def test_batch_norms_stay_where_they_are_kept(tmp_path: Path) -> None:
    module = nn.Sequential(
        *(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU()),
        *(nn.Linear(6, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.Linear(5, 2)),
    )
    options = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    network = sole(exported(tmp_path / "m.onnx", trained_norms(module), 3, 4, **options))
    first, second, third = network.layers
    (norm,) = first.output_norms
    assert (norm.kind, norm.size, norm.scale, norm.shift) == ("batch", 6, "1.weight", "1.bias")
    assert (norm.mean, norm.variance) == ("1.running_mean", "1.running_var")
    assert norm.epsilon == pytest.approx(1e-5)
    assert (second.input_norms, second.output_norms) == ((), ())
    assert [norm.scale for norm in third.input_norms] == ["5.weight"]


class Call(nn.Module):
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
        (Call(lambda x: x.clamp(min=0)), "clip-at-zero", 17),
        (nn.Hardtanh(), "clip", 17),
        (nn.Sigmoid(), "sigmoid", 17),
        (nn.Tanh(), "tanh", 17),
        (nn.ELU(), "elu", 17),
        (nn.SELU(), "selu", 17),
        (nn.CELU(), "celu", 17),
        (nn.GELU(), "gelu", 20),
        (nn.GELU(), "gelu", 9),
        (nn.GELU("tanh"), "gelu", 17),
        (nn.SiLU(), "swish", 17),
        (nn.Mish(), "mish", 17),
        (nn.Softplus(), "softplus", 17),
        (nn.Softsign(), "softsign", 17),
        (nn.Hardsigmoid(), "hardsigmoid", 17),
        (nn.Hardswish(), "hardswish", 17),
        (nn.Hardswish(), "hardswish", 9),
        (nn.Softmax(1), "softmax", 17),
        (Call(lambda x: torch.maximum(x, torch.zeros(1))), "relu", 17),
        (Call(torch.sin), "sin", 17),
        (nn.Hardshrink(), None, 17),
    ],
)
def test_activations(activation: nn.Module, name: str | None, opset: int, tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(3, 4), activation, nn.Linear(4, 2))
    network = sole(exported(tmp_path / "m.onnx", module, 2, 3, opset_version=opset))
    assert [layer.activation for layer in network.layers] == [name, "identity"]
    assert all(not layer.input_norms and not layer.output_norms for layer in network.layers)


@torch_export
@pytest.mark.parametrize(
    ("between", "size", "channels_last"),
    [
        (nn.Flatten(), 36, False),
        (Call(lambda x: x.view(x.size(0), -1)), 36, False),
        (Call(lambda x: x.reshape(-1, 8 * 36)), 36, False),
        (Call(lambda x: x.permute(0, 2, 3, 1).flatten(1)), 36, True),
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 1, False),
        (nn.Sequential(nn.AvgPool2d(6), Call(lambda x: x.squeeze(3).squeeze(2))), 1, False),
        (Call(lambda x: x.mean((2, 3))), 1, False),
        (Call(lambda x: x.flatten(2).mean(-1)), 1, False),
        (Call(lambda x: x.flatten(2).flatten(1)), 36, False),
    ],
)
@pytest.mark.parametrize("opset", [9, 17])
def test_channels_stay_neurons_through_a_flatten(
    between: nn.Module, size: int, channels_last: bool, opset: int, tmp_path: Path
) -> None:
    conv, linear = nn.Conv2d(3, 8, 3), nn.Linear(8 * size, 5)
    module = nn.Sequential(conv, nn.ReLU(), between, linear)
    axes = {"x": {0: "batch"}}
    path = tmp_path / "m.onnx"
    checkpoint = exported(path, module, 2, 3, 8, 8, opset_version=opset, dynamic_axes=axes)
    network = sole(checkpoint)
    last = network.layers[-1]
    assert (last.columns_per_unit, last.channels_last) == (size, channels_last)
    columns = linear.weight.detach().abs().double()
    by_channel = (
        columns.view(5, size, 8).sum(1) if channels_last else columns.view(5, 8, size).sum(2)
    )
    torch.testing.assert_close(blocks(checkpoint, network)[-1], by_channel.T)


CHANNELS = {"w": (16, 3, 1, 1), "s": np.array([-1, 16]), "v": (16, 10), "u": (16, 16, 1, 1)}


def _rows_of_channels(*between: Node) -> Network:
    nodes = [node("Conv", ["x", "w"], ["a"]), *between, node("Reshape", ["b", "s"], ["r"])]
    nodes.append(node("Gemm", ["r", "v"], ["y"]))
    return sole(made(nodes, CHANNELS, inputs={"x": [1, 3, 4, 4]}))


@pytest.mark.parametrize(
    "between",
    [
        [node("Relu", ["a"], ["b"])],
        [node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2])],
        [node("ReduceMean", ["a"], ["b"], axes=[3])],
        [node("GlobalMaxPool", ["a"], ["p"]), node("Upsample", ["p"], ["b"])],
        [node("GlobalMaxPool", ["a"], ["p"]), node("Pad", ["p"], ["b"], pads=[0] * 7 + [1])],
        [node("GlobalMaxPool", ["a"], ["p"]), node("Conv", ["p", "u"], ["b"], pads=[1] * 4)],
    ],
)
def test_rows_of_as_many_positions_as_there_are_channels_stop(between: list[Node]) -> None:
    reason = _rows_of_channels(*between).reason
    assert reason is not None
    assert "(Reshape) makes rows of 16, as many as there are channels" in reason


@pytest.mark.parametrize(
    "between",
    [
        [node("GlobalAveragePool", ["a"], ["b"])],
        [node("GlobalMaxPool", ["a"], ["p"]), node("Relu", ["p"], ["b"])],
        [node("ReduceMean", ["a"], ["b"], axes=[2, 3])],
        [node("ReduceMean", ["a"], ["b"], axes=[3, 2], keepdims=0)],
    ],
)
def test_rows_of_channels_with_one_position_are_followed(between: list[Node]) -> None:
    network = _rows_of_channels(*between)
    assert network.reason is None
    assert [layer.columns_per_unit for layer in network.layers] == [1, 1]


@torch_export
def test_transposed_convolutions_of_a_generator(tmp_path: Path) -> None:
    up = nn.ConvTranspose2d(6, 4, 4, groups=2)
    module = nn.Sequential(nn.ConvTranspose2d(10, 6, 4, bias=False), nn.ReLU(), up, nn.Tanh())
    checkpoint = exported(tmp_path / "m.onnx", module, 2, 10, 1, 1)
    network = sole(checkpoint)
    assert [layer.kind for layer in network.layers] == ["conv-transpose"] * 2
    assert network.layers[1].shape == (6, 2, 4, 4)
    block = blocks(checkpoint, network)[1]
    assert block.shape == (6, 4)
    assert not block[:3, 2:].any()
    expected = up.weight.detach().abs().double().sum((2, 3))
    torch.testing.assert_close(block[3:, 2:], expected[3:])


@torch_export
@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize(
    ("norm", "kind"), [(nn.LayerNorm(6), "layer"), (nn.InstanceNorm1d(6, affine=True), "group")]
)
def test_the_scale_of_other_norms_goes_to_the_layer_behind(
    norm: nn.Module, kind: str, opset: int, tmp_path: Path
) -> None:
    if kind == "layer":
        module = nn.Sequential(nn.Linear(4, 6), norm, nn.ReLU(), nn.Linear(6, 2))
        shape: tuple[int, ...] = (3, 4)
    else:
        module = nn.Sequential(nn.Conv1d(4, 6, 1), norm, nn.ReLU(), nn.Conv1d(6, 2, 1))
        shape = (3, 4, 5)
    weight = norm.get_parameter("weight")
    nn.init.uniform_(weight, 0.5, 2)
    checkpoint = exported(tmp_path / "m.onnx", module, *shape, opset_version=opset)
    network = sole(checkpoint)
    first, last = network.layers
    assert (first.output_norms, first.activation) == ((), None)
    assert kind in {norm.kind for norm in last.input_norms}
    matrix = module[3].get_parameter("weight").detach().double().flatten(1)
    expected = (matrix * weight.detach().double()).abs().T
    torch.testing.assert_close(blocks(checkpoint, network)[1], expected)


@torch_export
def test_a_group_norm_that_torch_spells_out(tmp_path: Path) -> None:
    norm = nn.GroupNorm(3, 6)
    nn.init.uniform_(norm.weight, 0.5, 2)
    module = nn.Sequential(nn.Conv2d(2, 6, 1), norm, nn.ReLU(), nn.Conv2d(6, 2, 1))
    checkpoint = exported(tmp_path / "m.onnx", module, 3, 2, 5, 5)
    network = sole(checkpoint)
    assert "group" in {norm.kind for norm in network.layers[1].input_norms}
    weight = module[3].get_parameter("weight").detach().double().flatten(1)
    expected = (weight * norm.weight.detach().double()).abs().T
    torch.testing.assert_close(blocks(checkpoint, network)[1], expected)


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
    assert [(layer.name, layer.source) for layer in network.layers] == [
        ("body.0", "x"),
        ("policy", "body.0"),
        ("value", "body.0"),
    ]
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
    assert [layer.name for layer in network.layers] == ["fc.0", "fc.2"]
    assert all(layer.bias in checkpoint.tensors for layer in network.layers)


@pytest.mark.parametrize(
    ("weight", "bias", "name", "op", "expected"),
    [
        ("features.0.weight", None, "/features/features.0/Conv", "Conv", "features.0"),
        ("onnx::Conv_45", None, "/features/features.0/Conv", "Conv", "features.0"),
        ("onnx::MatMul_4", None, "/layer1/layer1.0/conv1/MatMul_1", "MatMul", "layer1.0.conv1"),
        ("val_3", "fc1.bias", "node_MatMul_3", "MatMul", "fc1"),
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
    checkpoint = made(nodes, tensors)
    network = sole(checkpoint)
    assert [(layer.bias, layer.transposed) for layer in network.layers] == [
        ("b1", True),
        ("b2", True),
    ]
    assert [block.shape for block in blocks(checkpoint, network)] == [(4, 6), (6, 3)]


def test_a_weight_on_the_left_and_weights_behind_constant_nodes() -> None:
    nodes = [
        node("Identity", ["w1"], ["w1i"]),
        node("Transpose", ["w1i"], ["w1t"], perm=[1, 0]),
        node("MatMul", ["w1t", "x"], ["a"]),
        node("Tanh", ["a"], ["b"]),
        node("Constant", [], ["w2"], value=numpy_helper.from_array(np.ones((3, 6), np.float32))),
        node("MatMul", ["w2", "b"], ["y"]),
    ]
    checkpoint = made(nodes, {"w1": (4, 6)}, inputs={"x": [4, 1]})
    network = sole(checkpoint)
    assert [(la.weight, la.shape, la.transposed) for la in network.layers] == [
        ("w1", (4, 6), True),
        ("w2", (3, 6), False),
    ]
    expected = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32))
    assert torch.equal(blocks(checkpoint, network)[0], expected.double().abs())


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
        "w": (8, 2, 2, 10),
        "flat": np.array([1, 32]),
        "matrix": np.array([32, 10]),
    }
    first, last = sole(made(nodes, tensors, inputs={"x": [1, 1, 6, 6]})).layers
    assert first.bias == "b"
    assert (last.weight, last.shape, last.columns_per_unit) == ("w", (32, 10), 4)


def test_constants_behind_a_layer_fold_and_those_on_the_input_do_not() -> None:
    nodes = [
        node("Sub", ["x", "offset"], ["p"]),
        node("Div", ["p", "half"], ["q"]),
        node("Gemm", ["q", "w1"], ["a"]),
        node("Mul", ["a", "gain"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("Mul", ["c", "half"], ["d"]),
        node("Gemm", ["d", "w2"], ["y"]),
    ]
    gain, half = np.array([1.0, -2, 3, 4, 5, 6]), np.array(0.5)
    tensors = {"w1": (4, 6), "w2": (6, 3), "gain": gain, "half": half, "offset": (4,)}
    checkpoint = made(nodes, tensors)
    network = sole(checkpoint)
    first, last = network.layers
    assert [norm.scale for norm in first.output_norms] == ["gain"]
    assert [norm.scale for norm in last.input_norms] == ["half"]
    assert network.remarks == (
        "constants scale or shift the input 'x' before its first layer; "
        "its neurons are counted behind them",
    )
    w1, w2 = (Weights(checkpoint).weight(name).double() for name in ("w1", "w2"))
    expected = [(w1 * torch.from_numpy(gain)).abs(), w2.abs() / 2]
    for block, matrix in zip(blocks(checkpoint, network), expected, strict=True):
        torch.testing.assert_close(block, matrix)


def test_a_norm_of_a_branch_folds_into_the_layers_of_that_branch() -> None:
    norm = ["g", "g", "g", "g"]
    nodes = [
        node("Gemm", ["x", "w1"], ["a"]),
        node("BatchNormalization", ["a", *norm], ["b"]),
        node("Gemm", ["b", "w2"], ["y"]),
        node("Gemm", ["a", "w2"], ["z"]),
    ]
    tensors = {"w1": (4, 6), "w2": (6, 3), "g": (6,)}
    first, normed, plain = sole(made(nodes, tensors, outputs=("y", "z"))).layers
    assert (first.output_norms, plain.input_norms) == ((), ())
    assert [norm.scale for norm in normed.input_norms] == ["g"]
    assert [normed.name, plain.name] == ["w2", "w2#2"]


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
    first, second = networks_of(made(nodes, tensors, inputs=inputs, outputs=("y", "c", "d")))
    assert first.reason is None
    assert second.reason == (
        "node 'join' adds two branches (Add); residual networks are not rebuilt yet"
    )
    assert second.source is None


def test_nodes_out_of_order_and_nodes_without_use() -> None:
    nodes = [
        node("Gemm", ["c", "w2"], ["y"]),
        node("Concat", ["c", "c"], ["unused"], axis=1),
        node("Relu", ["a"], ["c"]),
        node("Gemm", ["x", "w1"], ["a"]),
    ]
    network = sole(made(nodes, {"w1": (4, 6), "w2": (6, 3)}))
    assert [layer.name for layer in network.layers] == ["w1", "w2"]


def test_a_concat_of_one_input_passes_it_on() -> None:
    nodes = [linear("x", "a"), node("Concat", ["a"], ["b"], axis=1), linear("b", "y")]
    assert sole(made(nodes, {"w": (4, 4)})).reason is None
    nodes[1] = node("Concat", ["a", "a"], ["b"], axis=1, name="n")
    reason = sole(made(nodes, {"w": (4, 4)})).reason
    assert reason is not None
    assert reason.startswith("node 'n' joins branches (Concat)")


@pytest.mark.parametrize(
    ("extra", "output"),
    [
        ([], "b"),
        ([node("Transpose", ["b"], ["z"])], "z"),
        ([node("Slice", ["b", "i", "i"], ["z"])], "z"),
        ([node("Concat", ["b", "y"], ["z"], axis=1)], "z"),
        ([node("Slice", ["y", "i", "i"], ["c"]), node("Concat", ["c", "b"], ["z"])], "z"),
    ],
)
def test_hidden_neurons_that_leave_the_network_are_exposed(extra: list[Node], output: str) -> None:
    nodes = [linear("x", "a"), node("Relu", ["a"], ["b"]), linear("b", "y"), *extra]
    tensors = {"w": (4, 4), "i": np.array([1])}
    network = sole(made(nodes, tensors, outputs=(output, "y")))
    assert [group.exposed for group in network.groups] == [False, True, False]
    network = sole(made(nodes, tensors))
    assert not any(group.exposed for group in network.groups)


def test_a_norm_behind_the_last_layer_scales_no_edge_but_belongs_to_the_network() -> None:
    nodes = [
        linear("x", "a"),
        node("LayerNormalization", ["a", "g", "b"], ["n"]),
        linear("n", "c"),
        node("LayerNormalization", ["c", "h", "b"], ["y"]),
    ]
    tensors = {"w": (4, 4), "g": (4,), "h": (4,), "b": (4,)}
    network = sole(made(nodes, tensors))
    assert [norm.scale for norm in network.final_norms] == ["h"]
    assert [norm.scale for norm in network.layers[1].input_norms] == ["g"]
    assert not any(layer.output_norms for layer in network.layers)
    assert network.tensors == {"w", "g", "h", "b"}


def test_what_follows_the_last_layer_may_be_anything_without_weights() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("DepthToSpace", ["a"], ["b"], blocksize=2),
        node("Slice", ["b", "i", "i"], ["y"]),
    ]
    tensors = {"w": (8, 2, 3, 3), "i": np.array([1])}
    checkpoint = made(nodes, tensors, inputs={"x": [1, 2, 8, 8]})
    assert [group.size for group in sole(checkpoint).groups] == [2, 8]
    nodes.append(node("Conv", ["y", "v"], ["z"]))
    tensors["v"] = (2, 2, 3, 3)
    reason = sole(made(nodes, tensors, inputs={"x": [1, 2, 8, 8]}, outputs=("z",))).reason
    assert reason is not None
    assert "DepthToSpace" in reason
    assert "'b'" in reason


def linear(source: str, target: str, weight: str = "w") -> Node:
    return node("Gemm", [source, weight], [target])


CELL = helper.make_graph(
    [linear("a", "out")], "branch", [], [helper.make_tensor_value_info("out", 1, None)]
)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([linear("x", "a"), node("Mul", ["a", "x"], ["y"], name="gate")], "'gate' multiplies two"),
        ([linear("x", "a"), node("Sum", ["a", "x"], ["y"], name="n")], "'n' adds branches"),
        ([node("MatMul", ["x", "x"], ["y"], name="n")], "'n' multiplies two branches (MatMul)"),
        ([node("LSTM", ["x", "w", "w"], ["y"], name="n")], "'n' is a recurrent layer (LSTM)"),
        ([node("Gather", ["w", "x"], ["a"], name="n"), linear("a", "y")], "looks up an embedding"),
        ([node("Split", ["x"], ["a", "b"], name="n"), linear("a", "y")], "'n' splits its input"),
        ([linear("x", "y"), node("Relu", ["y"], ["y"])], "value 'y' has more than one source"),
        ([node("Add", ["y", "x"], ["a"]), linear("a", "y")], "the graph has a cycle at"),
        ([node("Gemm", ["x", "w"], ["y"], alpha=0.5, name="n")], "'n' (Gemm) scales by alpha"),
        ([node("Gemm", ["x", "w"], ["y"], transA=1, name="n")], "'n' (Gemm) transposes its input"),
        ([node("Gemm", ["x", "absent"], ["y"], name="n")], "a weight that the file does not hold"),
        ([node("Exp", ["w"], ["e"], name="n"), linear("x", "y", "e")], "that node 'n' computes"),
        ([linear("x", "a"), linear("a", "y", "v")], "takes 5 inputs from 4 neurons"),
        ([linear("x", "a"), linear("x", "y", "v"), linear("a", "z")], "as 5 neurons, an earlier"),
        ([node("Conv", ["x", "w"], ["y"], name="n")], "not a kernel"),
        ([node("Fused", ["x", "w"], ["y"], domain="com.x", name="n")], "'n' is com.x.Fused"),
        ([linear("x", "a"), node("Div", ["a", "s"], ["y"]), linear("y", "z")], "does not fold"),
        ([node("If", ["c"], ["y"], then_branch=CELL), linear("x", "a")], "is control flow (If)"),
        ([node("Relu", ["x"], ["y"])], NO_LAYER),
        ([], NO_LAYER),
        (
            [linear("x", "a"), node("Reshape", ["a", "r"], ["y"], name="n"), linear("y", "z")],
            "node 'n' (Reshape) splits or mixes 4 neurons into the shape [1, 2, 2]",
        ),
        (
            [linear("x", "a"), node("ReduceMean", ["a"], ["y"], axes=[1]), linear("y", "z")],
            "(ReduceMean) reduces over neurons",
        ),
    ],
)
def test_reasons_name_the_first_node_that_stops(nodes: list[Node], reason: str) -> None:
    tensors = {"w": (4, 4), "v": (5, 3), "s": np.array(3.0), "r": np.array([1, 2, 2])}
    outputs = {name for one in nodes for name in one.output} or {"y"}
    inputs = {"x": [1, 4], "c": []}
    network = sole(made(nodes, tensors, inputs=inputs, outputs=sorted(outputs)))
    assert network.reason is not None
    assert reason in network.reason
    assert (network.layers, network.source, network.confidence) == ((), None, None)


def test_operator_sets_before_seven_are_not_rebuilt() -> None:
    assert sole(made([linear("x", "y")], {"w": (4, 4)}, opset=6)).reason == (
        "operator set 6 is older than 7"
    )


def test_other_checkpoints_are_left_to_other_builders() -> None:
    assert OnnxGraphBuilder().build(Checkpoint(Path("m.pt"), "torch-zip", 0)) is None


def test_tied_weights_and_a_layer_with_the_name_of_an_input() -> None:
    nodes = [
        node("Gemm", ["w", "w.weight"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("Gemm", ["b", "w.weight"], ["y"]),
    ]
    network = sole(made(nodes, {"w.weight": (4, 4)}, inputs={"w": [1, 4]}))
    assert [group.name for group in network.groups] == ["w", "w#2", "w#3"]
    assert {layer.weight for layer in network.layers} == {"w.weight"}


def test_the_real_models_are_rebuilt_or_explained(shared: Path) -> None:
    rebuilt = set()
    paths = sorted((shared / "models").rglob("*.onnx"))
    for path in paths:
        checkpoint = OnnxReader().read(open_source(path))
        for network in networks_of(checkpoint):
            if network.reason is None:
                rebuilt.add(path.name)
                assert network.tensors <= checkpoint.tensors.keys()
            else:
                assert len(network.reason) < 200
    assert len(paths) > 20
    assert {"example.onnx", "mnist-conv__model.onnx", "model_v8.onnx"} <= rebuilt
