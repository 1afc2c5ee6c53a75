"""The spread of units' scales against its definition, and what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hand_built import HandInputs, chain, random_chain, random_weights, rescaled
from msgspec.structs import replace

from modlint.analysis.scales import UnitScales
from modlint.network import Norm


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
    [("relu", True), ("leakyrelu", True), (None, True), ("tanh", False), ("relu6", False)],
)
def test_only_homogeneous_activations_leave_the_scale_free(
    activation: str | None, free: bool
) -> None:
    inputs = random_chain(0, 9, 8, 7)
    layers = [replace(layer, activation=activation) for layer in inputs.network.layers]
    network = replace(inputs.network, layers=tuple(layers))
    assert bool(_spreads(HandInputs(network, inputs.tensors))) == free


def test_exposed_units_are_not_free() -> None:
    inputs = random_chain(0, 9, 8, 7)
    groups = [replace(group, exposed=group.role == "hidden") for group in inputs.network.groups]
    assert not _spreads(HandInputs(replace(inputs.network, groups=tuple(groups)), inputs.tensors))


@pytest.mark.parametrize(("kind", "free"), [("layer", False), ("rms", False), ("batch", True)])
def test_units_behind_a_norm_of_the_data_are_not_free(kind: str, free: bool) -> None:
    inputs = random_chain(0, 9, 8, 7)
    first, last = inputs.network.layers
    norm = Norm(kind, 8, "g")  # type: ignore[arg-type]
    network = replace(inputs.network, layers=(first, replace(last, input_norms=(norm,))))
    tensors = inputs.tensors | {"g": torch.ones(8)}  # type: ignore[operator]
    assert bool(_spreads(HandInputs(network, tensors))) == free


@pytest.mark.parametrize(("sizes", "free"), [((9, 8, 4), True), ((9, 8, 3), False)])
def test_few_weights_tell_no_scale(sizes: tuple[int, ...], free: bool) -> None:
    assert bool(_spreads(random_chain(0, *sizes))) == free
