"""The weighted graph against torch's own layers, taken as black boxes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hand_built import Drawn, HandInputs, chain, norm, one_layer, random_weights
from msgspec.structs import replace
from torch import nn
from torch.nn import functional

from modlint.analysis.weights import WeightArrays
from modlint.errors import Unavailable
from modlint.network import Layout, NormKind
from modlint.results.graphs import Graph, KernelNorm


def _graph(inputs: HandInputs, kernel_norm: KernelNorm = "l1") -> Graph:
    return inputs.tensors_of(WeightArrays(kernel_norm))


def _edges(inputs: HandInputs, layer: int = 0) -> torch.Tensor:
    return _graph(inputs).blocks[layer].weights.double()


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
    assert graph.groups == {"x": 5, "fc0": 4, "fc1": 3}
    assert graph.blocks[0].weights.equal(first.abs().T)
    assert graph.blocks[1].weights.equal(second.abs().T)
    assert [(b.layer, b.tensor, b.source, b.target) for b in graph.blocks] == [
        ("fc0", "fc0.weight", "x", "fc0"),
        ("fc1", "fc1.weight", "fc0", "fc1"),
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
    turned = one_layer(weight.T.contiguous(), "transposed")
    assert _edges(turned).equal(weight.abs().T.double())
    assert _graph(turned).blocks[0].turned


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("dims", [1, 2])
def test_convolution_edges_are_l1_norms_of_kernels(groups: int, multiplier: int, dims: int) -> None:
    kind = {1: nn.Conv1d, 2: nn.Conv2d}[dims]
    conv = kind(6, 6 * multiplier, 3, padding=2, groups=groups, bias=False)
    weight = conv.weight.detach().clone()
    inputs = one_layer(weight, "conv", groups)
    expected = _impulse_responses(_absolute(conv), 6, dims)
    torch.testing.assert_close(_edges(inputs), expected.double())
    mask = _graph(inputs).blocks[0].mask
    assert (mask is None) == (groups == 1)
    assert mask is None or mask.equal(expected != 0)


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_transposed_convolution(groups: int) -> None:
    conv = nn.ConvTranspose2d(6, 12, 3, groups=groups, bias=False)
    weight = conv.weight.detach().clone()
    expected = _impulse_responses(_absolute(conv), 6, 2)
    inputs = one_layer(weight, "conv-transpose", groups)
    torch.testing.assert_close(_edges(inputs), expected.double())


def test_kernel_norm_l2() -> None:
    weight = torch.randn(4, 3, 5, 5)
    inputs = one_layer(weight, "conv")
    expected = torch.linalg.matrix_norm(weight.double(), "fro").T
    torch.testing.assert_close(_graph(inputs, "l2").blocks[0].weights.double(), expected)


@pytest.mark.parametrize("channels_last", [False, True])
def test_flattened_columns_are_summed_into_their_channel(channels_last: bool) -> None:
    weight = torch.randn(5, 3 * 4)
    columns = weight.abs().double()
    own = [[c + 3 * p if channels_last else 4 * c + p for p in range(4)] for c in range(3)]
    expected = torch.stack([columns[:, part].sum(1) for part in own])
    inputs = one_layer(weight, positions=4, channels_last=channels_last)
    torch.testing.assert_close(_edges(inputs), expected)


def _trained_norm(size: int) -> nn.BatchNorm1d:
    norm = nn.BatchNorm1d(size, eps=1e-3).double().eval()
    for values in (norm.weight.data, norm.bias.data, norm.running_mean):
        values.normal_()
    norm.running_var.uniform_(0.1, 3)
    return norm


def _parts(norm: nn.BatchNorm1d) -> dict[str, Any]:
    return {
        "scale": norm.weight.detach(),
        "shift": norm.bias.detach(),
        "mean": norm.running_mean,
        "variance": norm.running_var,
        "epsilon": norm.eps,
    }


@pytest.mark.parametrize("where", ["before", "behind"])
def test_batch_norm_is_folded(where: str) -> None:
    weight = torch.randn(4, 6, dtype=torch.float64)
    trained = _trained_norm(6 if where == "before" else 4)
    linear = nn.Linear(6, 4, bias=False).double()
    linear.weight.data = weight
    order = (trained, linear) if where == "before" else (linear, trained)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: nn.Sequential(*order)(x[None])[0], torch.zeros(6, dtype=torch.float64)
    )
    folded = chain(weight, **{where: {0: norm("batch", **_parts(trained))}})
    torch.testing.assert_close(_edges(folded), jacobian.abs().T)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("per_column", [False, True])
def test_input_norm_before_flattened_columns(channels_last: bool, per_column: bool) -> None:
    weight = torch.randn(5, 12, dtype=torch.float64)
    gamma = torch.randn(12 if per_column else 3, dtype=torch.float64)
    per_channel = gamma.repeat(4) if channels_last else gamma.repeat_interleave(4)
    scaled = weight * (gamma if per_column else per_channel)
    affine = norm("affine", -1 if per_column else 1, scale=gamma)
    flattened: Any = {"positions": 4, "channels_last": channels_last}
    folded = one_layer(weight, **flattened, **{"flat" if per_column else "before": affine})
    torch.testing.assert_close(_edges(folded), _edges(one_layer(scaled, **flattened)))


@pytest.mark.parametrize("kind", ["layer", "group", "rms"])
def test_of_a_norm_of_the_data_gamma_goes_to_the_edges_out(kind: NormKind) -> None:
    first, second = random_weights(0, 5, 4, 3)
    gamma = torch.tensor([2.0, -1.0, 0.0, 0.5])
    scaled = norm(kind, scale=gamma, shift=torch.ones(4))
    for where in ({"behind": {0: scaled}}, {"before": {1: scaled}}):
        into, out = _graph(chain(first, second, **where)).blocks
        assert into.weights.equal(first.abs().T)
        torch.testing.assert_close(out.weights, (second * gamma).abs().T)


def test_gamma_that_is_stored_less_one() -> None:
    first, second = random_weights(0, 5, 4, 3)
    scaled = norm("rms", scale=torch.tensor([1.0, 0, -1, 2]), offset=1.0)
    (_, out) = _graph(chain(first, second, before={1: scaled})).blocks
    expected = second.abs() * torch.tensor([2.0, 1, 0, 3])
    torch.testing.assert_close(out.weights, expected.T)


def test_convolution_and_batch_norm_as_torch_fuses_them() -> None:
    conv, trained = nn.Conv2d(3, 4, 3).double().eval(), nn.BatchNorm2d(4).double().eval()
    trained.running_var.uniform_(0.1, 3)
    trained.weight.data.normal_()
    fused = nn.utils.fusion.fuse_conv_bn_eval(conv, trained).weight.detach()
    parts = _parts(trained)  # type: ignore[arg-type]
    folded = one_layer(conv.weight.detach(), "conv", behind=norm("batch", 1, **parts))
    torch.testing.assert_close(_edges(folded), fused.abs().sum((2, 3)).T)


def test_large_layers_are_widened_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.randn(8, 6, 3, 3)
    inputs = one_layer(weight, "conv")
    whole = _edges(inputs)
    monkeypatch.setattr("modlint.numerics.graph.weights.CHUNK", 100)
    assert _edges(inputs).equal(whole)


def test_non_finite_weights_have_no_graph() -> None:
    (weight,) = random_weights(0, 5, 4)
    weight[2, 3] = math.nan
    with pytest.raises(Unavailable, match=r"'fc0'.*'fc0\.weight' holds NaN or infinity"):
        _graph(chain(weight))


def test_a_negative_variance_has_no_graph() -> None:
    negative = norm("batch", variance=-torch.ones(4))
    inputs = chain(torch.ones(4, 5), behind={0: negative})
    with pytest.raises(Unavailable, match="not finite once its norms are folded"):
        _graph(inputs)


def _with(inputs: HandInputs, **fields: Any) -> HandInputs:
    """The same network with its only call changed."""
    (call,) = inputs.network.calls
    operations = (replace(call, **fields),)
    return HandInputs(replace(inputs.network, operations=operations), inputs.tensors)


@pytest.mark.parametrize(
    "layout",
    [
        Layout(0, (1, 4, 6, 1), (0, 6, 1, 1)),
        Layout(0, (1, 4, 5, 2), (0, 5, 1, 1)),
        Layout(1, (1, 4, 5, 1), (0, 5, 1, 1)),
        Layout(0, (1, 4, 5, 1), (0, -5, 1, 1)),
        Layout(0, (1, 4, 5, 1), (0, 5, 10**9, 1)),
        Layout(0, (2, 4, 5, 1), (20, 5, 1, 1)),
        Layout(-1, (1, 4, 5, 1), (0, 5, 1, 1)),
    ],
)
def test_layouts_that_contradict_the_tensor(layout: Layout) -> None:
    with pytest.raises(Unavailable, match=r"layer 'layer': a weight of shape \[4, 5\] does not"):
        _graph(_with(one_layer(torch.ones(4, 5)), layout=layout))


def test_a_weight_whose_entries_are_computed() -> None:
    with pytest.raises(Unavailable, match="computes with a weight that is itself computed"):
        _graph(_with(one_layer(torch.ones(4, 5)), layout=None))


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_kernels_may_lie_backwards(device: Any) -> None:
    weight = torch.randn(4, 5)
    inputs = _with(one_layer(weight), layout=Layout(19, (1, 4, 5, 1), (0, -5, -1, 1)))
    inputs.device = device
    assert _edges(inputs).equal(weight.flip(0, 1).abs().T.double())


def test_a_norm_of_another_size() -> None:
    inputs = chain(torch.ones(4, 5), before={0: norm("affine", scale=torch.ones(3))})
    with pytest.raises(Unavailable, match=r"a norm of 3 elements \(norm.scale\) does not scale"):
        _graph(inputs)


def test_a_convolutional_chain_end_to_end() -> None:
    """Conv → relu → pool → flatten → linear: the linear layer reads channels, not pixels."""
    conv, linear = torch.randn(4, 1, 3, 3), torch.randn(10, 4 * 9, dtype=torch.float64)
    drawn = Drawn()
    x = drawn.relu(drawn.conv("a", drawn.input(1, 1, 3, 3), conv))
    blocks = _graph(drawn.inputs(drawn.linear("b", drawn.flatten(x), linear))).blocks
    assert [tuple(block.weights.shape) for block in blocks] == [(1, 4), (4, 10)]
    expected = functional.avg_pool1d(linear.abs()[:, None], 9)[:, 0] * 9
    torch.testing.assert_close(blocks[1].weights, expected.T)


# --- networks that are no chains


def test_layers_that_are_added_drive_one_group() -> None:
    a, b, c = random_weights(0, 6, 6)[0], random_weights(1, 6, 6)[0], random_weights(2, 6, 3)[0]
    drawn = Drawn()
    first = drawn.relu(drawn.linear("a", drawn.input(1, 6), a))
    both = drawn.add(first, drawn.linear("b", first, b))
    graph = _graph(drawn.inputs(drawn.linear("c", both, c)))
    assert graph.groups == {"x": 6, "a": 6, "c": 3}
    ends = [(block.layer, block.source, block.target) for block in graph.blocks]
    assert ends == [("a", "x", "a"), ("b", "a", "a"), ("c", "a", "c")]
    assert graph.blocks[1].weights.equal(b.abs().T)


def test_a_concatenation_is_read_by_columns() -> None:
    a, b, c = random_weights(0, 6, 4)[0], random_weights(1, 6, 3)[0], random_weights(2, 7, 5)[0]
    drawn = Drawn()
    x = drawn.input(1, 6)
    both = drawn.concat(-1, drawn.linear("a", x, a), drawn.linear("b", x, b))
    shuffled = drawn.move(both, lambda labels: labels[:, ::-1])
    blocks = _graph(drawn.inputs(drawn.linear("c", shuffled, c))).blocks[2:]
    assert [(block.source, block.mask) for block in blocks] == [("a", None), ("b", None)]
    back = c.flip(1).abs().T
    assert blocks[0].weights.equal(back[:4])
    assert blocks[1].weights.equal(back[4:])
    assert blocks[0].part != blocks[1].part


def test_what_reads_a_part_of_a_group_has_no_edges_elsewhere() -> None:
    a, b = random_weights(0, 6, 9)[0], random_weights(1, 3, 5)[0]
    drawn = Drawn()
    _, part, _ = drawn.split(drawn.linear("a", drawn.input(1, 6), a), 3)
    (_, block) = _graph(drawn.inputs(drawn.linear("b", part, b))).blocks
    expected = torch.zeros(9, 5)
    expected[3:6] = b.abs().T
    assert block.weights.equal(expected)
    assert block.mask is not None
    assert block.mask.equal(expected != 0)


def test_queries_and_keys_are_one_and_values_feed_the_output() -> None:
    size, heads = 6, 2
    fused, out = random_weights(0, size, 3 * size)[0], random_weights(1, size, size)[0]
    drawn = Drawn()
    q, k, v = drawn.split(drawn.linear("qkv", drawn.input(1, 5, size), fused), 3)
    mixed = drawn.attention(q, k, v, heads)
    graph = _graph(drawn.inputs(drawn.linear("o", mixed, out)))
    assert graph.groups == {"x": 6, "qkv": 12, "o": 6}
    into, leave = graph.blocks
    parts = fused.abs().view(3, size, size)
    torch.testing.assert_close(into.weights[:, :size], (parts[0] + parts[1]).T)
    assert into.weights[:, size:].equal(parts[2].T)
    assert not leave.weights[:size].any()
    assert leave.weights[size:].equal(out.abs().T)


def test_gates_of_a_recurrent_unit_are_added() -> None:
    (enter,), (again,) = random_weights(0, 3, 8), random_weights(1, 2, 8)
    drawn = Drawn()
    state = drawn.recurrent("rnn", drawn.input(1, 5, 3), enter, again)
    graph = _graph(drawn.inputs(drawn.linear("fc", state, torch.ones(1, 2))))
    into, back, _ = graph.blocks
    torch.testing.assert_close(into.weights, enter.abs().view(4, 2, 3).sum(0).T)
    torch.testing.assert_close(back.weights, again.abs().view(4, 2, 2).sum(0).T)
    assert (back.source, back.target) == (into.target, into.target)


def test_an_embedding_has_no_edges() -> None:
    drawn = Drawn()
    x = drawn.embedding("embed", drawn.input(1, 5), torch.randn(50, 4))
    graph = _graph(drawn.inputs(drawn.linear("fc", x, torch.ones(3, 4))))
    assert [block.layer for block in graph.blocks] == ["fc"]
    assert graph.groups == {"embed": 4, "fc": 3}


def test_a_norm_on_a_branch_scales_what_reads_it() -> None:
    """As before a layer of a residual block: the stream itself is not scaled."""
    a, b, c = (random_weights(i, *n)[0] for i, n in enumerate([(6, 6), (6, 6), (6, 3)]))
    gamma = torch.rand(6) + 0.5
    drawn = Drawn()
    stream = drawn.linear("a", drawn.input(1, 6), a)
    read = drawn.relu(drawn.norm("n", "batch", stream, scale=gamma, variance=torch.ones(6)))
    both = drawn.add(stream, drawn.linear("b", read, b))
    into, branch, leave = _graph(drawn.inputs(drawn.linear("c", both, c))).blocks
    assert into.weights.equal(a.abs().T)
    scaled = b.abs() * gamma / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(branch.weights, scaled.T)
    assert leave.weights.equal(c.abs().T)


@pytest.mark.parametrize("kind", ["group", "affine"])
def test_a_norm_on_the_way_into_a_sum_scales_what_is_added(kind: NormKind) -> None:
    a, b, c = (random_weights(i, *n)[0] for i, n in enumerate([(6, 6), (6, 6), (6, 3)]))
    gamma = torch.rand(6) + 0.5
    drawn = Drawn()
    stream = drawn.linear("a", drawn.input(1, 6), a)
    added = drawn.norm("n", kind, drawn.relu(drawn.linear("b", stream, b)), scale=gamma)
    both = drawn.add(stream, added)
    _, branch, leave = _graph(drawn.inputs(drawn.linear("c", both, c))).blocks
    torch.testing.assert_close(branch.weights, (b * gamma[:, None]).abs().T)
    assert leave.weights.equal(c.abs().T)


def test_dense_products_of_a_random_network() -> None:
    """Edges, summed over paths, are the product of the matrices, whatever the layout."""
    drawn = Drawn()
    conv, linear = torch.rand(4, 3, 1, 1), torch.rand(6, 16)
    x = drawn.conv("conv", drawn.input(1, 3, 2, 2), conv)
    moved = drawn.move(x, lambda labels: labels[:, [2, 0, 3, 1]].transpose(0, 3, 1, 2))
    inputs = drawn.inputs(drawn.linear("fc", drawn.flatten(moved), linear))
    first, second = (block.weights.double() for block in _graph(inputs).blocks)
    image = torch.eye(3).view(3, 3, 1, 1).expand(3, 3, 2, 2)
    images = functional.conv2d(image, conv)[:, [2, 0, 3, 1]].permute(0, 3, 1, 2)
    expected = images.flatten(1) @ linear.T
    torch.testing.assert_close((first @ second).float(), expected)
