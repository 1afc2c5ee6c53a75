"""The spread of units' scales against its definition, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hand_built import Drawn, HandInputs, chain, norm, random_chain, random_weights, rescaled

from modlint.analysis.scales import UnitScales
from modlint.network import NormKind


def _spreads(inputs: HandInputs) -> dict[str, float]:
    return {scale.layer: scale.spread for scale in inputs.result(UnitScales())}


def _spread(into: torch.Tensor, out: torch.Tensor) -> float:
    """By numpy, of weights (out, in) into and out of one layer."""
    strengths = np.abs(into.numpy()).sum(1), np.abs(out.numpy()).sum(0)
    return float(np.std(np.log(strengths[0] / strengths[1])))


def test_the_standard_deviation_of_log_ratios_of_each_hidden_layer() -> None:
    first, second, third = random_weights(0, 30, 20, 15, 10)
    found = _spreads(chain(first, second, third))
    assert found == pytest.approx({"fc0": _spread(first, second), "fc1": _spread(second, third)})


@pytest.mark.parametrize(("sigma", "expected"), [(0.5, 1.0), (1.0, 2.0)])
def test_rescaling_shows(sigma: float, expected: float) -> None:
    """A factor c moves strength in and out against one another, so ln c counts twice."""
    found = _spreads(chain(*rescaled(random_weights(0, 200, 200, 200, 10), sigma)))
    assert max(found.values()) == pytest.approx(expected, rel=0.15)
    assert min(found.values()) == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("factor", [0.0, 1e-30, 1e-8])
def test_units_that_carry_nothing_are_left_out(factor: float) -> None:
    first, second, third = random_weights(0, 30, 20, 15, 10)
    alone = _spread(first[2:], second[:, 2:])
    second[:, :2] *= factor
    found, _ = chain(first, second, third).result(UnitScales())
    assert found.units == 18
    assert found.spread == pytest.approx(alone)


@pytest.mark.parametrize(
    ("activation", "free"),
    [("relu", True), ("leakyrelu", True), ("unknown", True), ("tanh", False), ("relu6", False)],
)
def test_only_homogeneous_activations_leave_the_scale_free(activation: str, free: bool) -> None:
    assert bool(_spreads(random_chain(0, 9, 8, 7, activation=activation))) == free


def test_exposed_units_are_not_free() -> None:
    assert _spreads(random_chain(0, 9, 8, 7))
    assert not _spreads(random_chain(0, 9, 8, 7, exposed=True))


@pytest.mark.parametrize(("kind", "free"), [("layer", False), ("rms", False), ("batch", True)])
def test_units_behind_a_norm_of_the_data_are_not_free(kind: NormKind, free: bool) -> None:
    scaled = norm(kind, scale=torch.ones(8))
    assert bool(_spreads(random_chain(0, 9, 8, 7, before={1: scaled}))) == free


@pytest.mark.parametrize(("sizes", "free"), [((9, 8, 4), True), ((9, 8, 3), False)])
def test_few_weights_tell_no_scale(sizes: tuple[int, ...], free: bool) -> None:
    assert bool(_spreads(random_chain(0, *sizes))) == free


def _joined(*, gated: bool = False, from_input: bool = False) -> HandInputs:
    """A sum, or a product, of what two layers make, or of one's and the network's input."""
    (a,), (b,), (c,) = (random_weights(i, *n) for i, n in enumerate([(8, 8), (8, 8), (8, 5)]))
    drawn = Drawn()
    x = drawn.input(1, 8)
    first = drawn.linear("a", x, a)
    other = x if from_input else drawn.linear("b", x, b)
    joined = drawn.multiply(first, other) if gated else drawn.add(first, other)
    return drawn.inputs(drawn.linear("c", drawn.relu(joined), c))


def test_a_unit_that_layers_drive_together_is_free_where_all_can_be_scaled() -> None:
    found = _joined().result(UnitScales())
    assert [(scale.layer, scale.units) for scale in found] == [("a", 8)]
    weights = _joined().tensors
    into = weights["a.weight"].abs() + weights["b.weight"].abs()
    assert found[0].spread == pytest.approx(_spread(into, weights["c.weight"]), rel=1e-6)
    assert _joined(gated=True).result(UnitScales())
    assert not _joined(from_input=True).result(UnitScales())


def test_layers_of_usual_scales_have_no_offset() -> None:
    weights = random_weights(0, 784, 256, 64, 10)
    for scale in chain(*weights).result(UnitScales()):
        assert abs(scale.offset) < 0.5


def test_a_layer_scaled_against_the_next_shows_twice() -> None:
    first, second, third = random_weights(0, 30, 20, 15, 10)
    before = chain(first, second, third).result(UnitScales())
    after = chain(first * 1e3, second / 1e3, third).result(UnitScales())
    assert after[0].offset - before[0].offset == pytest.approx(2 * np.log(1e3))
    assert after[0].spread == pytest.approx(before[0].spread)
