"""Units that do nothing, checked by running the network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hand_built import Drawn, HandInputs, chain, norm, random_weights
from msgspec.structs import replace

from modlint.analysis.units import UnitWeights
from modlint.errors import Unavailable
from modlint.network import NormKind
from modlint.results.units import LayerUnits


def _units(inputs: HandInputs, group: int = 0) -> LayerUnits:
    return UnitWeights().compute(inputs.network, inputs)[group]


def _mlp(bias: torch.Tensor, **chained: Any) -> HandInputs:
    """Units of the hidden layer: 1 silent, 3 and 4 constant."""
    first, second = random_weights(0, 6, 5, 4)
    first[3:] = 0
    second[:, 1] = 0
    return chain(first, second, biases=[bias, torch.zeros(4)], **chained)


def test_silent_constant_and_off() -> None:
    found = _units(_mlp(torch.tensor([1.0, 1, 1, 0.5, -0.5])))
    assert found == LayerUnits("fc0", "fc0", 5, (1,), (3, 4), (4,), "relu")


def test_a_pre_activation_of_zero_is_off() -> None:
    assert _units(_mlp(torch.zeros(5))).off == (3, 4)


def test_without_bias() -> None:
    first, second = random_weights(0, 6, 5, 4)
    first[2] = 0
    assert _units(chain(first, second)).off == (2,)


def test_healthy_units() -> None:
    found = _units(chain(*random_weights(0, 6, 5, 4)))
    assert (found.silent, found.constant, found.off) == ((), (), ())


def test_tiny_weights_are_not_zero() -> None:
    first, second = random_weights(0, 6, 5, 4)
    found = _units(chain(first * 1e-30, second * 1e-30))
    assert (found.silent, found.constant) == ((), ())


def test_nan_is_not_zero() -> None:
    first, second = random_weights(0, 6, 5, 4)
    first[0] = torch.nan
    second[:, 0] = torch.nan
    assert _units(chain(first, second)).silent == ()


PARTS = {"mean": torch.tensor([0.0, 0, 0, 1, -1]), "variance": torch.tensor([1.0, 2, 3, 0.25, 4])}


def _normed(kind: NormKind, gamma: list[float], beta: list[float], **where: int) -> HandInputs:
    """The network of `_mlp`, with a norm behind its first layer, or before its second."""
    parts = {"scale": torch.tensor(gamma), "shift": torch.tensor(beta)}
    scaled = norm(kind, **parts, **(PARTS if kind == "batch" else {}))
    bias = torch.tensor([1.0, 1, 1, 0.5, -0.5])
    ((place, layer),) = (where or {"behind": 0}).items()
    return _mlp(bias, **{place: {layer: scaled}})


def test_batch_norm_shifts_what_is_constant() -> None:
    """(0.5 − 1)/√.25·γ + β and (−0.5 + 1)/√4·γ + β."""
    assert _units(_normed("batch", [1.0] * 5, [0.0] * 5)).off == (3,)
    assert _units(_normed("batch", [1.0] * 5, [0.0, 0, 0, 2, -2])).off == (4,)
    assert _units(_normed("batch", [1.0, 1, 1, -1, -1], [0.0] * 5)).off == (4,)


def test_batch_norm_agrees_with_torch() -> None:
    inputs = _normed("batch", [1.0, -1, 2, -3, 0], [0.3, 0.1, 0, -1, 0.2])
    tensors = inputs.tensors
    x = torch.randn(50, 6)
    y = x @ tensors["fc0.weight"].T + tensors["fc0.bias"]
    parts = (tensors[f"norm.{name}"] for name in ("mean", "variance", "scale", "shift"))
    after = torch.relu(torch.nn.functional.batch_norm(y, *parts, eps=1e-5))
    found = _units(inputs)
    assert found.constant == tuple((after.std(0) == 0).nonzero().flatten().tolist())
    dead = ((after == 0).all(0)).nonzero().flatten().tolist()
    assert set(found.off) == set(dead) & set(found.constant)


def test_a_gamma_of_zero_makes_a_unit_constant() -> None:
    found = _units(_normed("batch", [1.0, 1, 0, 1, 1], [0.0, 0, -1, 0, 0]))
    assert 2 in found.constant
    assert 2 in found.off


@pytest.mark.parametrize("kind", ["layer", "group", "rms"])
@pytest.mark.parametrize("where", [{"behind": 0}, {"before": 1}])
def test_what_a_norm_of_the_data_scales_by_zero_is_of_use_in_its_statistics(
    kind: NormKind, where: dict[str, int]
) -> None:
    found = _units(_normed(kind, [1.0, 1, 0, 1, 1], [0.0, 0, 3, 0, 0], **where))
    assert 2 not in {*found.silent, *found.constant}


def test_a_gamma_of_zero_before_the_next_layer_silences() -> None:
    assert _units(_normed("batch", [1.0, 1, 0, 1, 1], [0.0] * 5, before=1)).silent == (1, 2)


def test_convolution_then_flattened_linear() -> None:
    conv, linear = torch.randn(4, 2, 3, 3), torch.randn(10, 4 * 9)
    conv[1] = 0
    linear[:, 2 * 9 : 3 * 9] = 0
    linear[:, 0] = 0  # one pixel of channel 0
    drawn = Drawn()
    x = drawn.relu(drawn.conv("conv", drawn.input(1, 2, 3, 3), conv))
    inputs = drawn.inputs(drawn.linear("fc", drawn.flatten(x), linear))
    assert _units(inputs) == LayerUnits("conv", "conv", 4, (2,), (1,), (1,), "relu")


def test_depthwise_reader_and_grouped_driver() -> None:
    grouped, depthwise = torch.randn(6, 2, 3), torch.randn(12, 1, 3)
    grouped[4] = 0
    depthwise[6:8] = 0  # both outputs of channel 3
    depthwise[2] = 0  # one of two outputs of channel 1
    drawn = Drawn()
    x = drawn.activation("unknown", drawn.conv("a", drawn.input(1, 4, 5), grouped, groups=2))
    found = _units(drawn.inputs(drawn.conv("b", x, depthwise, groups=6)))
    assert (found.silent, found.constant, found.activation) == ((3,), (4,), None)


def test_a_unit_is_silent_only_if_no_layer_reads_it() -> None:
    first, left = random_weights(0, 6, 5, 4)
    (right,) = random_weights(1, 5, 3)
    left[:, :2] = 0
    right[:, 1:3] = 0
    drawn = Drawn()
    x = drawn.relu(drawn.linear("a", drawn.input(1, 6), first))
    results = drawn.linear("left", x, left), drawn.linear("right", x, right)
    assert _units(drawn.inputs(*results)).silent == (1,)


def test_units_that_something_else_reads_are_not_silent() -> None:
    found = _units(_mlp(torch.zeros(5), exposed=True))
    assert (found.silent, found.constant) == ((), (3, 4))


def test_only_hidden_groups_are_inspected() -> None:
    inputs = chain(torch.zeros(4, 5))
    assert UnitWeights().compute(inputs.network, inputs) == ()


def test_shapes_that_contradict_the_network() -> None:
    inputs = chain(*random_weights(0, 6, 5, 4))
    inputs.tensors = {**inputs.tensors, "fc1.weight": torch.zeros(3, 5)}
    with pytest.raises(Unavailable, match="'fc1'"):
        _units(inputs)


def _gated(gate: torch.Tensor, up: torch.Tensor, activation: str, *biases: float) -> HandInputs:
    """act(gate x + b) · (up x + c), then a layer that reads it."""
    shifts = [torch.full((len(gate),), bias) for bias in biases or (0.0, 0.0)]
    drawn = Drawn()
    x = drawn.input(1, gate.shape[1])
    gated = drawn.linear("gate", x, gate, shifts[0])
    gated = gated if activation == "identity" else drawn.activation(activation, gated)
    product = drawn.multiply(gated, drawn.linear("up", x, up, shifts[1]))
    return drawn.inputs(drawn.linear("down", product, torch.randn(4, len(gate))))


FUNCTIONS = {
    "silu": torch.nn.functional.silu,
    "gelu": torch.nn.functional.gelu,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": lambda x: x,
}


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("biases", [(0.0, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.5, 0.5)])
def test_a_product_is_dead_where_running_it_gives_zero(
    activation: str, biases: tuple[float, float]
) -> None:
    gate, up = torch.randn(6, 5), torch.randn(6, 5)
    gate[[1, 3]] = 0
    up[[2, 3]] = 0
    found = _units(_gated(gate, up, activation, *biases))
    x = torch.randn(200, 5)
    value = FUNCTIONS[activation](x @ gate.T + biases[0]) * (x @ up.T + biases[1])
    still = (value.std(0) == 0).nonzero().flatten().tolist()
    assert list(found.constant) == still
    zero = ((value == 0).all(0)).nonzero().flatten().tolist()
    assert list(found.off) == zero
    assert found.join == "product"


def test_a_gate_whose_activation_is_not_told_is_taken_to_keep_zero() -> None:
    gate, up = torch.randn(6, 5), torch.randn(6, 5)
    gate[1] = 0
    up[2] = 0
    found = _units(_gated(gate, up, "unknown"))
    assert (found.constant, found.off) == ((1, 2), (2,))
    assert _units(_gated(gate, up, "unknown", 0.5, 0.0)).constant == (2,)


# --- far from a unit


def _deep(*, tail: bool = True) -> tuple[Drawn, Any]:
    """Units 0 and 1 of "b" read nothing but unit 0 of "a"; nothing reads unit 4 but unit 2."""
    a, b, c = random_weights(0, 6, 5, 5, 4)
    b[:2, 1:] = 0
    b[3:, 4] = 0
    b[:2, 4] = 0
    drawn = Drawn()
    x = drawn.relu(drawn.linear("a", drawn.input(1, 6), a))
    x = drawn.relu(drawn.linear("b", x, b))
    return drawn, drawn.linear("c", x, c) if tail else x


def test_a_unit_all_of_whose_producers_are_dead_is_dead() -> None:
    drawn, result = _deep()
    inputs = drawn.inputs(result)
    assert [u.constant for u in inputs.result(UnitWeights())] == [(), ()]
    drawn, result = _deep()
    drawn.tensors["a.weight"][0] = 0
    first, second = drawn.inputs(result).result(UnitWeights())
    assert (first.off, second.off) == ((0,), (0, 1))


def test_a_unit_that_only_silent_units_read_is_silent() -> None:
    drawn, result = _deep()
    drawn.tensors["c.weight"][:, 2] = 0
    first, second = drawn.inputs(result).result(UnitWeights())
    assert (first.silent, second.silent) == ((4,), (2,))


def test_a_constant_that_is_not_zero_keeps_what_reads_it_constant() -> None:
    drawn, result = _deep()
    drawn.tensors["a.weight"][0] = 0
    drawn.tensors["a.bias"] = torch.tensor([1.0, 0, 0, 0, 0])
    inputs = drawn.inputs(result)
    operations = [
        replace(op, bias="a.bias") if getattr(op, "name", "") == "a" else op
        for op in inputs.network.operations
    ]
    network = replace(inputs.network, operations=tuple(operations))
    first, second = HandInputs(network, drawn.tensors).result(UnitWeights())
    assert (first.constant, first.off) == ((0,), ())
    assert (second.constant, second.off) == ((0, 1), ())


def test_a_recurrent_unit_that_only_reads_itself_is_dead() -> None:
    enter, again = torch.rand(4, 3), torch.rand(4, 4)
    enter[1] = 0
    again[1, [0, 2, 3]] = 0
    again[[0, 1, 3], 2] = 0
    drawn = Drawn()
    state = drawn.recurrent("rnn", drawn.input(1, 5, 3), enter, again)
    leave = torch.rand(2, 4)
    leave[:, 2] = 0
    (found,) = drawn.inputs(drawn.linear("fc", state, leave)).result(UnitWeights())
    assert (found.silent, found.constant) == ((2,), (1,))


def test_a_key_that_meets_a_query_of_zero_is_silent() -> None:
    weights = {name: torch.rand(6, 6) for name in "qkvo"}
    weights["q"][2] = 0
    drawn = Drawn()
    x = drawn.relu(drawn.linear("in", drawn.input(1, 5, 6), torch.rand(6, 6)))
    q, k, v = (drawn.linear(name, x, weights[name]) for name in "qkv")
    result = drawn.linear("o", drawn.attention(q, k, v, 2), weights["o"])
    found = {units.layer: units for units in drawn.inputs(result).result(UnitWeights())}
    assert {name: units.silent for name, units in found.items()} == {"in": (), "q": (), "v": ()}
    weights["k"][2] = 0
    assert found["q"].constant == ()


@pytest.mark.parametrize("offset", [True, False])
def test_one_plus_a_scale_of_zero_is_no_product_of_zero(*, offset: bool) -> None:
    """As adaptive norms begin: x · (1 + s) with s = 0 passes x on."""
    drawn = Drawn()
    x = drawn.input(1, 6)
    h = drawn.relu(drawn.linear("h", x, torch.rand(5, 6)))
    scale = drawn.linear("scale", x, torch.zeros(5, 6))
    factor = drawn.tracer.offset(scale) if offset else scale
    result = drawn.linear("out", drawn.multiply(h, factor), torch.rand(2, 5))
    (found,) = drawn.inputs(result).result(UnitWeights())
    assert found.join == "product"
    assert found.off == (() if offset else tuple(range(5)))
    assert found.constant == found.off


def test_a_branch_that_a_norm_switches_off_whole_has_no_dead_units() -> None:
    """As the last batch norm of a residual branch begins: scales of zero."""
    a, b, c = (random_weights(i, 6, 6)[0] for i in range(3))
    found = []
    for zeros in (6, 2):
        scale = torch.ones(6)
        scale[:zeros] = 0
        drawn = Drawn()
        stream = drawn.relu(drawn.linear("a", drawn.input(1, 6), a))
        inner = drawn.relu(drawn.linear("b", stream, b))
        last = drawn.linear("c", inner, torch.eye(6))
        parts = {"scale": scale, "mean": torch.zeros(6), "variance": torch.ones(6)}
        branch = drawn.norm("n", "batch", last, **parts)
        result = drawn.linear("d", drawn.add(stream, branch), c)
        units = {u.layer: u for u in drawn.inputs(result).result(UnitWeights())}
        found.append(units["b"].silent)
        assert units["a"].silent == units["a"].constant == ()
    assert found == [(), (0, 1)]
