"""Flow against SynFlow's own definition: the gradient of the summed output of |W| on ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hand_built import (
    Drawn,
    HandInputs,
    chain,
    faded,
    norm,
    random_chain,
    random_weights,
    residual_block,
)

from modlint.analysis.flow import CarryingUnits, Flow, NegligibleUnits
from modlint.analysis.weights import WeightArrays
from modlint.errors import Unavailable
from modlint.numerics.graph import kernels


def _relative(*parts: torch.Tensor) -> torch.Tensor:
    """Σ h · ∂R/∂h of values of a group, over its mean."""
    flow = torch.stack([(part * part.grad).detach() for part in parts]).sum(0)
    return flow / flow.mean()


def _kept(value: torch.Tensor) -> torch.Tensor:
    value.retain_grad()
    return value


def _through(weight: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    return _kept(weight.double().abs() @ value)


def _ones(size: int) -> torch.Tensor:
    return torch.ones(size, dtype=torch.float64, requires_grad=True)


def _units(inputs: HandInputs) -> dict[str, torch.Tensor]:
    return _tensors(inputs.result(Flow()).units)


def _tensors(arrays: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(values) for name, values in arrays.items()}


def test_flow_of_a_chain_is_that_of_synflow() -> None:
    weights = random_weights(0, 7, 6, 5, 4)
    values = [_ones(7)]
    for weight in weights:
        values.append(_through(weight, values[-1]))
    values[-1].sum().backward()
    found = _units(chain(*weights))
    assert list(found) == ["x", "fc0", "fc1", "fc2"]
    for group, value in zip(found, values, strict=True):
        torch.testing.assert_close(found[group], _relative(value))


def test_forward_and_backward_are_exact_up_to_a_factor() -> None:
    """F_i |w_ij| B_j is |w| · ∂R/∂|w|, the saliency of the weight."""
    weights = [weight.double().abs().requires_grad_() for weight in random_weights(1, 7, 6, 5)]
    (weights[1] @ (weights[0] @ torch.ones(7).double())).sum().backward()
    flows = chain(*(weight.detach() for weight in weights)).result(Flow())
    forward, backward = _tensors(flows.forward), _tensors(flows.backward)
    for layer, weight in zip(("fc0", "fc1"), weights, strict=True):
        found = backward[layer][:, None] * forward[layer]
        torch.testing.assert_close(found / found.sum(), weight.grad / weight.grad.sum())


def test_residual_branches_are_added_before_the_next_layer_reads_them() -> None:
    weights = random_weights(2, 5, 6), random_weights(3, 6, 4), random_weights(4, 4, 6)
    a, b, c, d = *(weight for (weight,) in weights), random_weights(5, 6, 3)[0]
    x = _ones(5)
    stream = _through(a, x)
    inner = _through(b, stream)
    branch = _through(c, inner)
    (d.double().abs() @ (stream + branch)).sum().backward()
    found = _units(residual_block(a, b, c, d))
    torch.testing.assert_close(found["x"], _relative(x))
    torch.testing.assert_close(found["A"], _relative(stream, branch))
    torch.testing.assert_close(found["B"], _relative(inner))


def test_a_sum_with_the_networks_input_is_read_with_it() -> None:
    """The output is D(x + A x): x and what A gives are one group."""
    a, d = random_weights(0, 5, 5)[0], random_weights(1, 5, 3)[0]
    drawn = Drawn()
    image = drawn.tracer.claimed(drawn.input(1, 5), -1)
    branch = drawn.linear("A", image, a)
    found = _units(drawn.inputs(drawn.linear("D", drawn.add(image, branch), d)))
    x = _ones(5)
    added = _through(a, x)
    (d.double().abs() @ (x + added)).sum().backward()
    torch.testing.assert_close(found["A"], _relative(x, added))


def test_recurrent_weights_run_for_one_step() -> None:
    enter, again, leave = (random_weights(i, *n)[0] for i, n in enumerate([(5, 6), (6, 6), (6, 3)]))
    drawn = Drawn()
    state = drawn.recurrent("h", drawn.input(1, 2, 5), enter, again)
    found = _units(drawn.inputs(drawn.linear("out", state, leave)))
    first = _through(enter, _ones(5))
    second = _through(again, first)
    (leave.double().abs() @ (first + second)).sum().backward()
    torch.testing.assert_close(found["h"], _relative(first, second))


@pytest.mark.parametrize("exposed", [True, False])
def test_what_is_exposed_is_an_output_too(exposed: bool) -> None:
    weights = random_weights(0, 5, 6, 4)
    hidden = _through(weights[0], _ones(5))
    last = _through(weights[1], hidden)
    (last.sum() + exposed * hidden.sum()).backward()
    found = _units(chain(*weights, exposed=exposed))
    torch.testing.assert_close(found["fc0"], _relative(hidden))


def test_what_nothing_reads_is_an_end() -> None:
    first, left = random_weights(0, 5, 6)[0], random_weights(1, 6, 4)[0]
    drawn = Drawn()
    hidden = drawn.linear("a", drawn.input(1, 5), first)
    drawn.linear("left", hidden, left)
    result = drawn.linear("right", hidden, torch.rand(2, 6))
    found = _units(drawn.inputs(result))
    x = _ones(5)
    middle = _through(first, x)
    (left.double().abs() @ middle).sum().backward(retain_graph=True)
    (drawn.tensors["right.weight"].double() @ middle).sum().backward()
    torch.testing.assert_close(found["a"], _relative(middle))


def test_queries_and_keys_end_in_scores_and_values_go_on() -> None:
    weights = {name: random_weights(i, 6, 6)[0] for i, name in enumerate("qkvo")}
    drawn = Drawn()
    x = drawn.input(1, 5, 6)
    q, k, v = (drawn.linear(name, x, weights[name]) for name in "qkv")
    found = _units(drawn.inputs(drawn.linear("o", drawn.attention(q, k, v, 2), weights["o"])))
    image = _ones(6)
    queries, keys, values = (_through(weights[name], image) for name in "qkv")
    (queries.sum() + keys.sum() + (weights["o"].double().abs() @ values).sum()).backward()
    torch.testing.assert_close(found["x"], _relative(image))
    torch.testing.assert_close(found["q"], _relative(queries, keys))
    torch.testing.assert_close(found["v"], _relative(values))


@pytest.mark.parametrize("gain", [1.0, 1e6])
def test_a_fused_projections_queries_are_not_compared_with_its_values(gain: float) -> None:
    fused, out = random_weights(0, 6, 18)[0], gain * random_weights(1, 6, 6)[0]
    drawn = Drawn()
    projected = drawn.linear("qkv", drawn.input(1, 5, 6), fused)
    q, k, v = drawn.split(projected, 3)
    found = _units(drawn.inputs(drawn.linear("o", drawn.attention(q, k, v, 2), out)))["qkv"]
    image = _ones(6)
    queries, keys, values = (_through(part, image) for part in fused.chunk(3))
    (queries.sum() + keys.sum() + (out.double().abs() @ values).sum()).backward()
    expected = [_relative(queries, keys), _relative(values)]
    torch.testing.assert_close(found, torch.cat(expected))


def test_norms_scale_what_flows() -> None:
    first, second = random_weights(0, 5, 6, 4)
    gamma = torch.randn(6)
    x = _ones(5)
    hidden = _through(first, x)
    (second.double().abs() @ (hidden * gamma.double().abs())).sum().backward()
    for where in (
        {"behind": {0: norm("layer", scale=gamma)}},
        {"before": {1: norm("rms", scale=gamma)}},
    ):
        found = _units(chain(first, second, **where))
        torch.testing.assert_close(found["fc0"], _relative(hidden))
        torch.testing.assert_close(found["x"], _relative(x))


@pytest.mark.parametrize("gain", [1e-6, 1e6])
def test_deep_networks_leave_the_range_of_float64(gain: float) -> None:
    weights = random_weights(0, *[4] * 101)
    found = _units(chain(*(gain * weight.double() for weight in weights)))
    expected = _units(chain(*weights))
    for group, flow in found.items():
        assert flow.isfinite().all()
        torch.testing.assert_close(flow, expected[group])


def test_without_a_path_nothing_flows() -> None:
    first, second, third = random_weights(0, 5, 6, 6, 3)
    found = _units(chain(first, torch.zeros_like(second), third))
    assert not any(flow.any() for flow in found.values())


@pytest.mark.parametrize("size", [5, 64])
def test_layers_are_read_in_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _units(random_chain(0, 7, 6, 5))
    monkeypatch.setattr(kernels, "CHUNK", size)
    inputs = random_chain(0, 7, 6, 5)
    found = _units(inputs)
    assert WeightArrays() not in inputs.results
    for group, flow in expected.items():
        torch.testing.assert_close(found[group], flow)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite_have_no_flow(bad: float) -> None:
    first, second = random_weights(0, 6, 5, 4)
    first[0] = 0  # nothing flows through the unit whose weight is wrong
    second[1, 0] = bad
    with pytest.raises(Unavailable, match=r"'fc1\.weight' holds NaN or infinity"):
        chain(first, second).result(Flow())


# --- what carries nothing


def test_faded_units_carry_nothing() -> None:
    inputs = chain(*faded(random_weights(0, 30, 40, 20, 10), 0.1, 1e-8))
    first, second = inputs.result(NegligibleUnits())
    assert (first.group, first.layer, first.total) == ("fc0", "fc0", 40)
    assert (first.negligible, second.negligible) == ((0, 1, 2, 3), (0, 1))
    assert 0 < first.smallest < 1e-7


def test_the_threshold_is_a_share_of_the_mean() -> None:
    """Unit 0 has half the weights in of the three others: flow .5 / .875 of the mean."""
    inputs = chain(torch.tensor([[1.0], [2], [2], [2]]), torch.ones(1, 4))
    (below,) = inputs.result(NegligibleUnits(0.58))
    (above,) = inputs.result(NegligibleUnits(0.57))
    assert below.negligible == (0,)
    assert above.negligible == ()
    assert below.smallest == pytest.approx(0.5 / 0.875)


def test_units_without_any_weight_are_told_apart() -> None:
    first, second, third = random_weights(0, 6, 5, 5, 4)
    first[0] = 0
    first[2] *= 1e-12
    second[:, 1] = 0
    third[:, :2] = 0
    one, two = chain(first, second, third).result(NegligibleUnits())
    assert (one.negligible, one.unconnected) == ((2,), (0, 1))
    assert (two.negligible, two.unconnected) == ((), (0, 1))


def test_units_that_something_else_reads_need_no_weights_out() -> None:
    first, second = random_weights(0, 6, 5, 4)
    second[:, 1] = 0
    (found,) = chain(first, second, exposed=True).result(NegligibleUnits())
    assert (found.negligible, found.unconnected) == ((), ())


def test_where_no_path_leads_every_unit_is_unconnected() -> None:
    first, second, third = random_weights(0, 5, 6, 6, 3)
    second[:3, 3:] = 0
    second[3:, :] = 0
    third[:, :3] = 0
    found = chain(first, second, third).result(NegligibleUnits())
    assert found[0].negligible == ()
    assert found[0].unconnected == (0, 1, 2, 3, 4, 5)
    assert found[0].smallest is None


def test_carriers_count_what_is_faint_and_what_nothing_connects() -> None:
    weights = random_weights(0, 30, 40, 20, 10)
    healthy = chain(*weights).result(CarryingUnits())
    assert healthy.dropped == {}
    assert all(bool(units.all()) for units in healthy.units.values())
    weights[0][5] = 0
    weights[1][:, 5] = 0
    assert chain(*weights).result(CarryingUnits()).dropped == {"hidden": 1}
    weights[0][:, 3] *= 1e-6
    faint = chain(*faded(weights, 0.1, 1e-8)).result(CarryingUnits())
    assert faint.dropped == {"input": 1, "hidden": 7}
    assert int(faint.units["fc0"].sum()) == 40 - 4 - 1
