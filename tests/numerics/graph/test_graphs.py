"""Variants of the weight graph: what carries, what flows, and what is balanced."""

from __future__ import annotations

import pytest
import torch
from hand_built import (
    Drawn,
    HandInputs,
    chain,
    faded,
    planted_weights,
    random_chain,
    random_weights,
    rescaled,
    residual_block,
)

from modlint.analysis.clustering import Partition
from modlint.analysis.graphs import BalancedGraph, CarryingGraph, FlowGraph
from modlint.analysis.weights import WeightArrays

SIZES = (60, 50, 50, 50, 10)
FLOWING = Partition(clusters=6, graph=FlowGraph())
BALANCED = Partition(clusters=6, graph=BalancedGraph())


def _stream() -> HandInputs:
    a, d = random_weights(0, 20, 30)[0], random_weights(1, 30, 10)[0]
    return residual_block(a, random_weights(2, 30, 25)[0], random_weights(3, 25, 30)[0], d)


# --- what carries


def test_a_network_that_carries_everywhere_is_its_own_carrying_graph() -> None:
    inputs = random_chain(0, *SIZES)
    assert inputs.result(CarryingGraph()) is inputs.result(WeightArrays())


@pytest.mark.parametrize("factor", [1e-8, 1e-5])
def test_without_faded_units_the_rest_clusters_as_if_they_were_not_there(factor: float) -> None:
    weights = faded(planted_weights(0, 10, *SIZES), 0.1, factor)
    kept = [weight.clone() for weight in weights]
    for i in range(len(kept) - 1):
        gone = len(kept[i]) // 10
        kept[i], kept[i + 1] = kept[i][gone:], kept[i + 1][:, gone:]
    found = chain(*weights).result(Partition(clusters=10, graph=CarryingGraph()))
    alone = chain(*kept).result(Partition(clusters=10))
    assert found.isolated_units == 15
    assert found.spectral_sum == pytest.approx(alone.spectral_sum, abs=1e-10)
    assert found.ncut == pytest.approx(alone.ncut, abs=1e-6)
    assert [label < 0 for label in found.labels["fc0"]] == [True] * 5 + [False] * 45
    whole = chain(*weights).result(Partition(clusters=10))
    assert abs(whole.spectral_sum - alone.spectral_sum) > 1e-3


# --- what flows


def test_the_flow_of_each_layer_adds_up_to_one() -> None:
    for block in _stream().tensors_of(FlowGraph()).blocks:
        assert block.weights.sum() == pytest.approx(1)


def test_flow_is_conserved_by_each_hidden_unit() -> None:
    """In a chain, what enters a unit leaves it: paths neither begin nor end there."""
    first, second, third = random_chain(0, 20, 15, 10, 5).tensors_of(FlowGraph()).blocks
    torch.testing.assert_close(first.weights.sum(0), second.weights.sum(1))
    torch.testing.assert_close(second.weights.sum(0), third.weights.sum(1))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("weights", [planted_weights(0, 10, *SIZES), random_weights(1, *SIZES)])
def test_scaling_units_changes_neither_flow_nor_its_spectrum(
    sigma: float, weights: list[torch.Tensor]
) -> None:
    before, after = chain(*weights), chain(*rescaled(weights, sigma))
    assert after.result(FLOWING).spectral_sum == pytest.approx(
        before.result(FLOWING).spectral_sum, abs=1e-6
    )
    raw = Partition(clusters=6)
    assert abs(after.result(raw).spectral_sum - before.result(raw).spectral_sum) > 0.1


def test_scaling_a_residual_stream_does_not_either() -> None:
    inputs = _stream()
    stream, inner = torch.rand(30).double() * 9 + 0.1, torch.rand(25).double() + 0.1
    a, b, c, d = (inputs.tensors[f"{name}.weight"].double() for name in "ABCD")
    after = residual_block(
        a * stream[:, None], b * inner[:, None] / stream, c * stream[:, None] / inner, d / stream
    )
    for graph in (FlowGraph(), BalancedGraph()):
        spec = Partition(clusters=6, graph=graph)
        expected = inputs.result(spec).spectral_sum
        assert after.result(spec).spectral_sum == pytest.approx(expected, abs=1e-6)


def test_where_nothing_flows_there_are_no_edges() -> None:
    first, second, third = random_weights(0, 5, 6, 6, 3)
    blocks = chain(first, torch.zeros_like(second), third).tensors_of(FlowGraph()).blocks
    assert not any(block.weights.any() for block in blocks)


# --- what is balanced


def _strengths(inputs: HandInputs, group: str) -> tuple[torch.Tensor, torch.Tensor]:
    blocks = inputs.tensors_of(BalancedGraph()).blocks
    into = sum(block.weights.double().sum(0) for block in blocks if block.target == group)
    out = sum(block.weights.double().sum(1) for block in blocks if block.source == group)
    return into, out  # type: ignore[return-value]


def test_strength_in_equals_strength_out() -> None:
    for inputs in (random_chain(0, *SIZES), chain(*rescaled(random_weights(0, *SIZES), 2))):
        for group in ("fc0", "fc1", "fc2"):
            torch.testing.assert_close(*_strengths(inputs, group), rtol=1e-6, atol=0)
    for group in ("A", "B"):
        torch.testing.assert_close(*_strengths(_stream(), group), rtol=1e-6, atol=0)


def test_deep_networks_are_balanced() -> None:
    weights = [3.0 ** (i % 7) * w for i, w in enumerate(random_weights(0, *[20] * 60))]
    inputs = chain(*rescaled(weights, 1))
    for group in ("fc0", "fc29", "fc57"):
        torch.testing.assert_close(*_strengths(inputs, group))


def test_a_network_without_hidden_units_is_balanced() -> None:
    inputs = random_chain(0, 5, 4)
    (block,) = inputs.tensors_of(BalancedGraph()).blocks
    assert block.weights.equal(inputs.tensors_of(WeightArrays()).blocks[0].weights)


def test_balancing_moves_scales_and_nothing_else() -> None:
    """The products of weights along any path from input to output stay."""
    inputs = random_chain(0, 9, 8, 7, 6)
    before, after = (inputs.tensors_of(graph).blocks for graph in (WeightArrays(), BalancedGraph()))
    paths = [torch.einsum("ab,bc,cd->abcd", *(b.weights for b in bs)) for bs in (before, after)]
    torch.testing.assert_close(*paths)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_the_balanced_graph_does_not_depend_on_scales(sigma: float) -> None:
    weights = [weight.double() for weight in random_weights(0, *SIZES)]
    before, after = chain(*weights), chain(*rescaled(weights, sigma))
    for one, other in zip(
        before.tensors_of(BalancedGraph()).blocks,
        after.tensors_of(BalancedGraph()).blocks,
        strict=True,
    ):
        torch.testing.assert_close(one.weights, other.weights)
    assert after.result(BALANCED).ncut == pytest.approx(before.result(BALANCED).ncut, abs=1e-6)


def test_units_without_weights_out_keep_their_scale() -> None:
    first, second, third = random_weights(0, 6, 5, 5, 4)
    second[:, 2] = 0
    inputs = chain(first, second, third)
    blocks = inputs.tensors_of(BalancedGraph()).blocks
    assert all(block.weights.isfinite().all() for block in blocks)
    assert blocks[0].weights[:, 2].equal(first[2].abs().double())
    into, out = _strengths(inputs, "fc0")
    torch.testing.assert_close(into[[0, 1, 3, 4]], out[[0, 1, 3, 4]])


def test_units_joined_to_one_another_are_balanced() -> None:
    enter, again, leave = (random_weights(i, *n)[0] for i, n in enumerate([(5, 6), (6, 6), (6, 3)]))
    drawn = Drawn()
    state = drawn.recurrent("h", drawn.input(1, 2, 5), enter, 9 * again)
    inputs = drawn.inputs(drawn.linear("out", state, leave))
    torch.testing.assert_close(*_strengths(inputs, "h"))


def test_a_group_that_holds_the_networks_input_keeps_its_scale() -> None:
    a, d = random_weights(0, 5, 5)[0], random_weights(1, 5, 3)[0]
    drawn = Drawn()
    x = drawn.tracer.claimed(drawn.input(1, 5), -1)
    inputs = drawn.inputs(drawn.linear("D", drawn.add(x, drawn.linear("A", x, a)), d))
    before, after = (inputs.tensors_of(graph).blocks for graph in (WeightArrays(), BalancedGraph()))
    for one, other in zip(before, after, strict=True):
        assert one.weights.equal(other.weights)


def test_masks_and_directions_stay() -> None:
    drawn = Drawn()
    x = drawn.conv("a", drawn.input(1, 5, 2, 2), torch.rand(30, 5, 1, 1))
    x = drawn.conv("b", x, torch.rand(25, 6, 1, 1), groups=5)
    graphs = drawn.inputs(drawn.conv("c", x, torch.rand(3, 25, 1, 1)))
    mask = graphs.tensors_of(WeightArrays()).blocks[1].mask
    for graph in (FlowGraph(), BalancedGraph(), CarryingGraph()):
        block = graphs.tensors_of(graph).blocks[1]
        assert mask is not None
        assert block.mask is not None
        assert block.mask.equal(mask)
        assert not block.weights[~mask].any()
