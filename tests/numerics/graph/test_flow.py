"""Flow against SynFlow's own definition: the gradient of the summed output of |W| on ones."""

from __future__ import annotations

import pytest
import torch
from hand_built import HandInputs, chain, faded, random_chain, random_weights, residual_block
from msgspec.structs import replace

from modlint.analysis.flow import CarryingUnits, Flow, NegligibleUnits
from modlint.analysis.weights import WeightGraph
from modlint.network import Group, Layer, Network


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
    return inputs.result(Flow()).units


def test_flow_of_a_chain_is_that_of_synflow() -> None:
    weights = random_weights(0, 7, 6, 5, 4)
    values = [_ones(7)]
    for weight in weights:
        values.append(_through(weight, values[-1]))
    values[-1].sum().backward()
    found = _units(chain(*weights))
    assert list(found) == ["g0", "g1", "g2", "g3"]
    for group, value in zip(found, values, strict=True):
        torch.testing.assert_close(found[group], _relative(value))


def test_forward_and_backward_are_exact_up_to_a_factor() -> None:
    """F_i |w_ij| B_j is |w| · ∂R/∂|w|, the saliency of the weight."""
    weights = [weight.double().abs().requires_grad_() for weight in random_weights(1, 7, 6, 5)]
    (weights[1] @ (weights[0] @ torch.ones(7).double())).sum().backward()
    flows = chain(*(weight.detach() for weight in weights)).result(Flow())
    for layer, weight in zip(("fc0", "fc1"), weights, strict=True):
        found = flows.backward[layer][:, None] * flows.forward[layer]
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
    torch.testing.assert_close(found["stream"], _relative(stream, branch))
    torch.testing.assert_close(found["inner"], _relative(inner))


def test_a_sum_with_the_networks_input_is_read_with_it() -> None:
    """The output is D(x + A x): x and what A gives are one group."""
    a, d = random_weights(0, 5, 5)[0], random_weights(1, 5, 3)[0]
    groups = (Group("x", 5, "input"), Group("y", 3, "output"))
    layers = (
        Layer("A", "linear", (5, 5), "x", "x", (), "A"),
        Layer("D", "linear", (3, 5), "x", "y", ("A",), "D"),
    )
    found = _units(HandInputs(Network("0", "graph", None, groups, layers), {"A": a, "D": d}))
    x = _ones(5)
    branch = _through(a, x)
    (d.double().abs() @ (x + branch)).sum().backward()
    torch.testing.assert_close(found["x"], _relative(x, branch))


def test_recurrent_weights_run_for_one_step() -> None:
    enter, again, leave = (random_weights(i, *n)[0] for i, n in enumerate([(5, 6), (6, 6), (6, 3)]))
    groups = (Group("x", 5, "input"), Group("h", 6, "hidden"), Group("y", 3, "output"))
    layers = (
        Layer("in", "linear", (6, 5), "x", "h", (), "in"),
        Layer("hh", "linear", (6, 6), "h", "h", ("in", "hh"), "hh"),
        Layer("out", "linear", (3, 6), "h", "y", ("in", "hh"), "out"),
    )
    tensors = {"in": enter, "hh": again, "out": leave}
    found = _units(HandInputs(Network("0", "graph", None, groups, layers), tensors))
    first = _through(enter, _ones(5))
    second = _through(again, first)
    (leave.double().abs() @ (first + second)).sum().backward()
    torch.testing.assert_close(found["h"], _relative(first, second))


@pytest.mark.parametrize("exposed", [True, False])
def test_what_is_exposed_is_an_output_too(exposed: bool) -> None:
    weights = random_weights(0, 5, 6, 4)
    inputs = chain(*weights)
    groups = [replace(g, exposed=exposed and g.name == "g1") for g in inputs.network.groups]
    hidden = _through(weights[0], _ones(5))
    last = _through(weights[1], hidden)
    (last.sum() + exposed * hidden.sum()).backward()
    found = _units(HandInputs(replace(inputs.network, groups=tuple(groups)), inputs.tensors))
    torch.testing.assert_close(found["g1"], _relative(hidden))


def test_a_hidden_group_that_no_layer_reads_is_an_end() -> None:
    inputs = random_chain(0, 5, 6, 4)
    network = replace(inputs.network, layers=inputs.network.layers[:1])
    found = _units(HandInputs(network, inputs.tensors))
    expected = inputs.tensors["fc0.weight"].double().abs().sum(1)
    torch.testing.assert_close(found["g1"], expected / expected.mean())
    assert "g2" not in found


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


def test_large_networks_are_taken_layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, pieces = random_chain(0, 7, 6, 5), random_chain(0, 7, 6, 5)
    expected = _units(whole)
    monkeypatch.setattr("modlint.analysis.flow.MAX_CONNECTIONS", 71)
    found = _units(pieces)
    assert WeightGraph() in whole.results
    assert WeightGraph() not in pieces.results
    assert all(found[group].equal(flow) for group, flow in expected.items())


# --- what carries nothing


def test_faded_units_carry_nothing() -> None:
    inputs = chain(*faded(random_weights(0, 30, 40, 20, 10), 0.1, 1e-8))
    first, second = inputs.result(NegligibleUnits())
    assert (first.group, first.layer, first.total) == ("g1", "fc0", 40)
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
    inputs = chain(first, second)
    groups = [replace(g, exposed=g.role == "hidden") for g in inputs.network.groups]
    network = replace(inputs.network, groups=tuple(groups))
    (found,) = HandInputs(network, inputs.tensors).result(NegligibleUnits())
    assert (found.negligible, found.unconnected) == ((), ())


def test_where_no_path_leads_every_unit_carries_nothing() -> None:
    first, second, third = random_weights(0, 5, 6, 6, 3)
    second[:3, 3:] = 0
    second[3:, :] = 0
    third[:, :3] = 0
    found = chain(first, second, third).result(NegligibleUnits())
    assert found[0].negligible == (0, 1, 2)
    assert found[0].unconnected == (3, 4, 5)
    assert found[0].smallest == 0


def test_carriers_count_only_what_is_connected() -> None:
    weights = random_weights(0, 30, 40, 20, 10)
    healthy = chain(*weights).result(CarryingUnits())
    assert healthy.dropped == {}
    assert all(bool(units.all()) for units in healthy.units.values())
    weights[0][5] = 0
    weights[1][:, 5] = 0
    assert chain(*weights).result(CarryingUnits()).dropped == {}
    weights[0][:, 3] *= 1e-6
    faint = chain(*faded(weights, 0.1, 1e-8)).result(CarryingUnits())
    assert faint.dropped == {"input": 1, "hidden": 6}
    assert int(faint.units["g1"].sum()) == 40 - 4 - 1
