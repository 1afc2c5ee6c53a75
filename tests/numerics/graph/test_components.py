"""Components against networkx."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from hand_built import Drawn, HandInputs, chain, random_chain, random_weights, residual_block

from modlint.analysis.components import Components
from modlint.analysis.weights import WeightArrays
from modlint.numerics.graph.adjacency import adjacency
from modlint.results.graphs import Component


def _by_networkx(inputs: HandInputs) -> list[Component]:
    graph = nx.from_numpy_array(adjacency(inputs.tensors_of(WeightArrays())).dense().numpy())
    roles = [group.role for group in inputs.network.groups for _ in range(group.size)]
    found = [
        Component(len(part), *(sum(roles[v] == r for v in part) for r in ("input", "output")))
        for part in nx.connected_components(graph)
        if len(part) > 1
    ]
    return sorted(found, key=lambda part: (-part.neurons, part.inputs, part.outputs))


def _found(inputs: HandInputs) -> list[Component]:
    parts = inputs.result(Components())
    assert [part.neurons for part in parts] == sorted((p.neurons for p in parts), reverse=True)
    return sorted(parts, key=lambda part: (-part.neurons, part.inputs, part.outputs))


def _all(inputs: HandInputs) -> list[Component]:
    return list(inputs.result(Components()))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("density", [0.02, 0.05, 0.2])
def test_sparse_networks(seed: int, density: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    weights = [
        weight * (torch.rand(weight.shape, generator=generator) < density)
        for weight in random_weights(seed, 20, 25, 15, 10)
    ]
    inputs = chain(*weights)
    assert _found(inputs) == _by_networkx(inputs)


def test_dense_and_residual_networks_are_one() -> None:
    assert _all(random_chain(0, 6, 5, 4)) == [Component(15, 6, 4)]
    weights = [random_weights(i, *n)[0] for i, n in enumerate([(5, 6), (6, 4), (4, 6), (6, 3)])]
    assert _all(residual_block(*weights)) == [Component(18, 5, 3)]


def _convolutions(*ways: tuple[int, int, int]) -> HandInputs:
    """A chain of convolutions, each (in, out, groups)."""
    drawn = Drawn()
    x = drawn.input(1, ways[0][0], 5)
    for i, (size, out, groups) in enumerate(ways):
        x = drawn.conv(f"c{i}", x, torch.rand(out, size // groups, 3) + 0.1, groups=groups)
    return drawn.inputs(x)


def test_depthwise_convolutions_alone_keep_channels_apart() -> None:
    """Channel i drives outputs 2i and 2i + 1, each of which drives one."""
    found = _all(_convolutions((4, 8, 4), (8, 8, 8)))
    assert found == [Component(5, 1, 2)] * 4
    assert all(part.whole for part in found)


def test_grouped_convolutions_of_unlike_groups_join() -> None:
    assert _all(_convolutions((6, 6, 2), (6, 6, 3))) == [Component(18, 6, 6)]
    assert _all(_convolutions((6, 6, 2), (6, 4, 2))) == [Component(8, 3, 2)] * 2


def test_a_pointwise_convolution_joins_what_depthwise_ones_keep_apart() -> None:
    assert _all(_convolutions((6, 6, 6), (6, 8, 1), (8, 8, 8))) == [Component(28, 6, 8)]


def test_dead_ends_are_no_network_of_their_own() -> None:
    """Inputs 0 and 1 drive unit 0, which nothing reads."""
    first, second = random_weights(0, 6, 5, 4)
    first[0, 2:] = 0
    first[1:, :2] = 0
    second[:, 0] = 0
    main, end = _all(chain(first, second))
    assert (main, main.whole) == (Component(12, 4, 4), True)
    assert (end, end.whole) == (Component(3, 2, 0), False)


def test_isolated_neurons_are_no_component() -> None:
    first, second = random_weights(0, 6, 5, 4)
    first[2] = 0
    second[:, 2] = 0
    assert _all(chain(first, second)) == [Component(14, 6, 4)]


def test_a_network_without_edges_has_none() -> None:
    assert _all(chain(torch.zeros(4, 3), torch.zeros(2, 4))) == []
