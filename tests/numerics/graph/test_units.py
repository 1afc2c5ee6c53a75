"""Units that do nothing, checked by running the network."""

from __future__ import annotations

import pytest
import torch
from hand_built import HandInputs, chain, one_layer, random_weights, with_norm
from msgspec.structs import replace

from modlint.analysis.units import UnitWeights
from modlint.errors import Unavailable
from modlint.network import Group, Layer, Network, Norm
from modlint.results.units import LayerUnits


def _units(inputs: HandInputs, group: int = 0) -> LayerUnits:
    return UnitWeights().compute(inputs.network, inputs)[group]


def _mlp(bias: torch.Tensor) -> HandInputs:
    """Units of the hidden layer: 1 silent, 3 and 4 constant."""
    first, second = random_weights(0, 6, 5, 4)
    first[3:] = 0
    second[:, 1] = 0
    return chain(first, second, biases=[bias, torch.zeros(4)])


def test_silent_constant_and_off() -> None:
    found = _units(_mlp(torch.tensor([1.0, 1, 1, 0.5, -0.5])))
    assert found == LayerUnits("g1", "fc0", 5, (1,), (3, 4), (4,), "relu")


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


def _normed(kind: str, gamma: list[float], beta: list[float], where: str = "output") -> HandInputs:
    """The network of `_mlp`, with a norm after its first layer, or before its second."""
    parts = {"g": gamma, "b": beta, "m": [0.0, 0, 0, 1, -1], "v": [1.0, 2, 3, 0.25, 4]}
    tensors = {name: torch.tensor(values) for name, values in parts.items()}
    norm = Norm(kind, 5, "g", "b")  # type: ignore[arg-type]
    if kind == "batch":
        norm = replace(norm, mean="m", variance="v")
    bias = torch.tensor([1.0, 1, 1, 0.5, -0.5])
    return with_norm(_mlp(bias), int(where == "input"), norm, tensors, where)


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
    parts = (tensors[name] for name in ("m", "v", "g", "b"))
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
def test_norms_of_the_data_keep_no_unit_constant_but_for_gamma(kind: str) -> None:
    found = _units(_normed(kind, [1.0, 1, 0, 1, 1], [0.0, 0, 3, 0, 0]))
    assert found.constant == (2,)
    assert found.off == ()


def test_a_gamma_of_zero_before_the_next_layer_silences() -> None:
    assert _units(_normed("batch", [1.0, 1, 0, 1, 1], [0.0] * 5, "input")).silent == (1, 2)


def test_convolution_then_flattened_linear() -> None:
    conv, linear = torch.randn(4, 2, 3, 3), torch.randn(10, 4 * 9)
    conv[1] = 0
    linear[:, 2 * 9 : 3 * 9] = 0
    linear[:, 0] = 0  # one pixel of channel 0
    groups = (Group("x", 2, "input"), Group("c", 4, "hidden"), Group("y", 10, "output"))
    layers = (
        Layer("conv", "conv", (4, 2, 3, 3), "x", "c", (), "a", activation="relu"),
        Layer("fc", "linear", (10, 36), "c", "y", ("conv",), "b", columns_per_unit=9),
    )
    inputs = HandInputs(Network("0", "graph", None, groups, layers), {"a": conv, "b": linear})
    assert _units(inputs) == LayerUnits("c", "conv", 4, (2,), (1,), (1,), "relu")


def test_depthwise_reader_and_grouped_driver() -> None:
    grouped, depthwise = torch.randn(6, 2, 3), torch.randn(12, 1, 3)
    grouped[4] = 0
    depthwise[6:8] = 0  # both outputs of channel 3
    depthwise[2] = 0  # one of two outputs of channel 1
    groups = (Group("x", 4, "input"), Group("h", 6, "hidden"), Group("y", 12, "output"))
    layers = (
        Layer("a", "conv", (6, 2, 3), "x", "h", (), "a", groups=2),
        Layer("b", "conv", (12, 1, 3), "h", "y", ("a",), "b", groups=6),
    )
    inputs = HandInputs(Network("0", "graph", None, groups, layers), {"a": grouped, "b": depthwise})
    found = _units(inputs)
    assert (found.silent, found.constant, found.activation) == ((3,), (4,), None)


def test_a_unit_is_silent_only_if_no_layer_reads_it() -> None:
    first, left = random_weights(0, 6, 5, 4)
    (right,) = random_weights(1, 5, 3)
    left[:, :2] = 0
    right[:, 1:3] = 0
    inputs = chain(first, left)
    (second, last) = inputs.network.layers
    other = replace(last, name="other", weight="other.weight", shape=(3, 5), target="z")
    network = replace(
        inputs.network,
        groups=(*inputs.network.groups, Group("z", 3, "output")),
        layers=(second, last, other),
    )
    assert _units(HandInputs(network, {**inputs.tensors, "other.weight": right})).silent == (1,)


def test_units_that_something_else_reads_are_not_silent() -> None:
    inputs = _mlp(torch.zeros(5))
    groups = tuple(replace(g, exposed=g.role == "hidden") for g in inputs.network.groups)
    found = _units(HandInputs(replace(inputs.network, groups=groups), inputs.tensors))
    assert (found.silent, found.constant) == ((), (3, 4))


def test_only_hidden_groups_are_inspected() -> None:
    layer = Layer("l", "linear", (4, 5), "in", "out", (), "w")
    inputs = one_layer(layer, 5, 4, torch.zeros(4, 5))
    assert UnitWeights().compute(inputs.network, inputs) == ()


def test_shapes_that_contradict_the_network() -> None:
    inputs = chain(*random_weights(0, 6, 5, 4))
    inputs.tensors = {**inputs.tensors, "fc1.weight": torch.zeros(4, 6)}
    with pytest.raises(Unavailable, match="'fc1'"):
        _units(inputs)
