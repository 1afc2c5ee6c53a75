"""The weighted graph against torch's own layers, taken as black boxes."""

from __future__ import annotations

import math

import pytest
import torch
from hand_built import HandInputs, chain, one_layer, random_weights, with_norm
from msgspec.structs import replace
from torch import nn
from torch.nn import functional

from modlint.analysis.weights import WeightGraph
from modlint.errors import Unavailable
from modlint.network import Group, Layer, Network, Norm
from modlint.results.graphs import Graph, KernelNorm


def _graph(inputs: HandInputs, kernel_norm: KernelNorm = "l1") -> Graph:
    return WeightGraph(kernel_norm).compute(inputs.network, inputs)


def _edges(inputs: HandInputs, layer: int = 0) -> torch.Tensor:
    return _graph(inputs).blocks[layer].weights.double()


def _layer(kind: str, shape: tuple[int, ...], **fields: object) -> Layer:
    known = {"name": "layer", "source": "in", "target": "out", "inputs": (), "weight": "w"}
    return Layer(kind=kind, shape=shape, **{**known, **fields})  # type: ignore[arg-type]


def _impulse_responses(layer: nn.Module, channels: int, dims: int) -> torch.Tensor:
    """Summed response of each output channel to an impulse in each input channel: (in, out)."""
    size = [11] * dims
    images = torch.zeros(channels, channels, *size)
    images[(range(channels), range(channels), *[5] * dims)] = 1
    return layer(images).flatten(2).sum(2)


def _absolute(layer: nn.Module) -> nn.Module:
    layer.weight.data = layer.weight.data.abs()
    return layer


def test_linear_edges_are_absolute_weights() -> None:
    first, second = random_weights(0, 5, 4, 3)
    graph = _graph(chain(first, second))
    assert graph.groups == {"g0": 5, "g1": 4, "g2": 3}
    assert graph.blocks[0].weights.equal(first.abs().T)
    assert graph.blocks[1].weights.equal(second.abs().T)
    assert [(b.layer, b.tensor, b.source, b.target) for b in graph.blocks] == [
        ("fc0", "fc0.weight", "g0", "g1"),
        ("fc1", "fc1.weight", "g1", "g2"),
    ]


def test_a_weight_in_float64_makes_a_graph_in_float64() -> None:
    first, second = random_weights(0, 5, 4, 3)
    second = second.double() + 1e-12
    blocks = _graph(chain(first, second)).blocks
    assert blocks[0].weights.equal(first.abs().T.double())
    assert blocks[1].weights.equal(second.abs().T)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.int8])
def test_other_dtypes(dtype: torch.dtype) -> None:
    weight = (random_weights(0, 5, 4)[0] * 4).to(dtype)
    assert _edges(chain(weight)).equal(weight.double().abs().T)


def test_complex_weights_count_by_modulus() -> None:
    weight = torch.tensor([[3 + 4j, 1j]], dtype=torch.complex64)
    assert _edges(chain(weight)).flatten().tolist() == [5, 1]


def test_transposed_linear() -> None:
    (weight,) = random_weights(0, 5, 4)
    layer = _layer("linear", (5, 4), transposed=True)
    assert _edges(one_layer(layer, 5, 4, weight.T)).equal(weight.abs().T.double())


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("dims", [1, 2])
def test_convolution_edges_are_l1_norms_of_kernels(groups: int, multiplier: int, dims: int) -> None:
    kind = {1: nn.Conv1d, 2: nn.Conv2d}[dims]
    conv = kind(6, 6 * multiplier, 3, padding=2, groups=groups, bias=False)
    weight = conv.weight.detach().clone()
    layer = _layer("conv", tuple(weight.shape), groups=groups)
    inputs = one_layer(layer, 6, 6 * multiplier, weight)
    expected = _impulse_responses(_absolute(conv), 6, dims)
    torch.testing.assert_close(_edges(inputs), expected.double())
    mask = _graph(inputs).blocks[0].mask
    assert (mask is None) == (groups == 1)
    assert mask is None or mask.equal(expected != 0)


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_transposed_convolution(groups: int) -> None:
    conv = nn.ConvTranspose2d(6, 12, 3, groups=groups, bias=False)
    weight = conv.weight.detach().clone()
    layer = _layer("conv-transpose", tuple(weight.shape), groups=groups)
    expected = _impulse_responses(_absolute(conv), 6, 2)
    torch.testing.assert_close(_edges(one_layer(layer, 6, 12, weight)), expected.double())


def test_kernel_norm_l2() -> None:
    weight = torch.randn(4, 3, 5, 5)
    inputs = one_layer(_layer("conv", (4, 3, 5, 5)), 3, 4, weight)
    expected = torch.linalg.matrix_norm(weight.double(), "fro").T
    torch.testing.assert_close(_graph(inputs, "l2").blocks[0].weights.double(), expected)


@pytest.mark.parametrize("channels_last", [False, True])
def test_flattened_columns_are_summed_into_their_channel(channels_last: bool) -> None:
    weight = torch.randn(5, 3 * 4)
    layer = _layer("linear", (5, 12), columns_per_unit=4, channels_last=channels_last)
    columns = weight.abs().double()
    own = [[c + 3 * p if channels_last else 4 * c + p for p in range(4)] for c in range(3)]
    expected = torch.stack([columns[:, part].sum(1) for part in own])
    torch.testing.assert_close(_edges(one_layer(layer, 3, 5, weight)), expected)


def _trained_norm(size: int) -> nn.BatchNorm1d:
    norm = nn.BatchNorm1d(size, eps=1e-3).double().eval()
    for values in (norm.weight.data, norm.bias.data, norm.running_mean):
        values.normal_()
    norm.running_var.uniform_(0.1, 3)
    return norm


def _described(norm: nn.BatchNorm1d) -> tuple[Norm, dict[str, torch.Tensor]]:
    parts = {
        "n.s": norm.weight,
        "n.b": norm.bias,
        "n.m": norm.running_mean,
        "n.v": norm.running_var,
    }
    described = Norm("batch", norm.num_features, "n.s", "n.b", "n.m", "n.v", norm.eps)
    return described, {name: part.detach() for name, part in parts.items()}


@pytest.mark.parametrize("where", ["input", "output"])
def test_batch_norm_is_folded(where: str) -> None:
    weight = torch.randn(4, 6, dtype=torch.float64)
    norm = _trained_norm(6 if where == "input" else 4)
    linear = nn.Linear(6, 4, bias=False).double()
    linear.weight.data = weight
    order = (norm, linear) if where == "input" else (linear, norm)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: nn.Sequential(*order)(x[None])[0], torch.zeros(6, dtype=torch.float64)
    )
    folded = with_norm(chain(weight), 0, *_described(norm), where)
    torch.testing.assert_close(_edges(folded), jacobian.abs().T)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("per_column", [False, True])
def test_input_norm_before_flattened_columns(channels_last: bool, per_column: bool) -> None:
    weight = torch.randn(5, 12, dtype=torch.float64)
    layer = _layer("linear", (5, 12), columns_per_unit=4, channels_last=channels_last)
    plain = one_layer(layer, 3, 5, weight)
    gamma = torch.randn(12 if per_column else 3, dtype=torch.float64)
    per_channel = gamma.repeat(4) if channels_last else gamma.repeat_interleave(4)
    scaled = weight * (gamma if per_column else per_channel)
    norm = Norm("affine", gamma.numel(), scale="gamma")
    folded = with_norm(plain, 0, norm, {"gamma": gamma}, "input")
    torch.testing.assert_close(_edges(folded), _edges(one_layer(layer, 3, 5, scaled)))


@pytest.mark.parametrize("kind", ["layer", "group", "rms"])
def test_of_a_norm_of_the_data_only_gamma_is_folded(kind: str) -> None:
    (weight,), gamma = random_weights(0, 5, 4), torch.tensor([2.0, -1.0, 0.0, 0.5])
    norm = Norm(kind, 4, scale="gamma", shift="beta")
    tensors = {"gamma": gamma, "beta": torch.ones(4)}
    folded = with_norm(chain(weight), 0, norm, tensors, "output")
    torch.testing.assert_close(_edges(folded), (weight * gamma[:, None]).abs().T.double())


def test_convolution_and_batch_norm_as_torch_fuses_them() -> None:
    conv, norm = nn.Conv2d(3, 4, 3).double().eval(), nn.BatchNorm2d(4).double().eval()
    norm.running_var.uniform_(0.1, 3)
    norm.weight.data.normal_()
    fused = nn.utils.fusion.fuse_conv_bn_eval(conv, norm).weight.detach()
    plain = one_layer(_layer("conv", (4, 3, 3, 3)), 3, 4, conv.weight.detach())
    described, tensors = _described(norm)  # type: ignore[arg-type]
    folded = with_norm(plain, 0, described, tensors, "output")
    torch.testing.assert_close(_edges(folded), fused.abs().sum((2, 3)).T)


def test_large_layers_are_widened_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.randn(8, 6, 3, 3)
    inputs = one_layer(_layer("conv", (8, 6, 3, 3)), 6, 8, weight)
    whole = _edges(inputs)
    monkeypatch.setattr("modlint.numerics.graph.weights.CHUNK", 100)
    assert _edges(inputs).equal(whole)


def test_non_finite_weights_have_no_graph() -> None:
    (weight,) = random_weights(0, 5, 4)
    weight[2, 3] = math.nan
    with pytest.raises(Unavailable, match=r"'fc0'.*'fc0\.weight' holds NaN or infinity"):
        _graph(chain(weight))


def test_a_negative_variance_has_no_graph() -> None:
    norm = Norm("batch", 4, variance="v")
    inputs = with_norm(chain(torch.ones(4, 5)), 0, norm, {"v": -torch.ones(4)}, "output")
    with pytest.raises(Unavailable, match="not finite once its norms are folded"):
        _graph(inputs)


@pytest.mark.parametrize(
    ("layer", "source", "target"),
    [
        (_layer("linear", (4, 5)), 6, 4),
        (_layer("linear", (4, 5)), 5, 3),
        (_layer("linear", (5, 4)), 5, 4),
        (_layer("linear", (4, 5), columns_per_unit=2), 5, 4),
        (_layer("linear", (4, 5), groups=3), 5, 4),
    ],
)
def test_shapes_that_contradict_the_network(layer: Layer, source: int, target: int) -> None:
    with pytest.raises(Unavailable, match=r"layer 'layer': "):
        _edges(one_layer(layer, source, target, torch.ones(4, 5)))


def test_a_norm_of_another_size() -> None:
    inputs = with_norm(
        chain(torch.ones(4, 5)), 0, Norm("affine", 3, "s"), {"s": torch.ones(3)}, "input"
    )
    with pytest.raises(Unavailable, match="a norm of 3 units beside 5 units"):
        _graph(inputs)


def test_a_convolutional_chain_end_to_end() -> None:
    """Conv → relu → pool → flatten → linear: the linear layer reads channels, not pixels."""
    conv, linear = torch.randn(4, 1, 3, 3), torch.randn(10, 4 * 9, dtype=torch.float64)
    groups = (Group("x", 1, "input"), Group("c", 4, "hidden"), Group("y", 10, "output"))
    layers = (
        replace(_layer("conv", (4, 1, 3, 3)), source="x", target="c", weight="a"),
        replace(_layer("linear", (10, 36)), source="c", target="y", weight="b", columns_per_unit=9),
    )
    inputs = HandInputs(Network("0", "graph", None, groups, layers), {"a": conv, "b": linear})
    blocks = _graph(inputs).blocks
    assert [tuple(block.weights.shape) for block in blocks] == [(1, 4), (4, 10)]
    expected = functional.avg_pool1d(linear.abs()[:, None], 9)[:, 0] * 9
    torch.testing.assert_close(blocks[1].weights, expected.T)
