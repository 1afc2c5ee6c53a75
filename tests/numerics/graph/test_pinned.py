"""Numbers of plain chains that no change of how networks are described may move.

`pinned.json` holds what modlint measured when a network was a list of layers between two groups
each: multilayer perceptrons and convolutions with norms before and behind activations, dead units
planted, in float64.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from traced_networks import Drawn, NetworkInputs

from modlint.analysis.clustering import Partition
from modlint.analysis.components import Components
from modlint.analysis.flow import Flow, NegligibleUnits
from modlint.analysis.graphs import BalancedGraph, CarryingGraph, FlowGraph
from modlint.analysis.scales import UnitScales
from modlint.analysis.units import UnitWeights
from modlint.analysis.weights import WeightArrays

PINNED = json.loads((Path(__file__).parent / "pinned.json").read_text())
State = dict[str, torch.Tensor]


def _filled(model: nn.Module) -> State:
    state = model.double().state_dict()
    for seed, (name, value) in enumerate(state.items()):
        if value.dtype.is_floating_point:
            generator = torch.Generator().manual_seed(seed)
            drawn = torch.randn(*value.shape, generator=generator, dtype=torch.float64)
            state[name] = drawn.abs() + 0.5 if name.endswith("running_var") else drawn
    return state


class _Stored(Drawn):
    """Layers drawn from a state_dict by their names in it."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    def fc(self, name: str, x: Any) -> Any:
        return self.linear(name, x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def filters(self, name: str, x: Any, groups: int = 1) -> Any:
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        return self.conv(name, x, weight, bias, groups=groups)

    def batch(self, name: str, x: Any, axis: int = -1) -> Any:
        stored = {"scale": "weight", "shift": "bias", "mean": "running_mean"}
        stored["variance"] = "running_var"
        parts = {part: self.state[f"{name}.{key}"] for part, key in stored.items()}
        return self.norm(name, "batch", x, axis, **parts)


def _mlp() -> NetworkInputs:
    state = _filled(
        nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 4))
    )
    state["0.weight"][2] = state["0.weight"][5] = 0
    state["0.bias"][2], state["0.bias"][5] = -1, 1
    state["2.weight"][:, 4] = 0
    state["2.weight"][7] *= 1e-9
    drawn = _Stored(state)
    x = drawn.relu(drawn.fc("0", drawn.input(1, 6)))
    return drawn.inputs(drawn.fc("4", drawn.relu(drawn.fc("2", x))))


def _normed() -> NetworkInputs:
    first = (nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU())
    then = (nn.BatchNorm1d(8), nn.Linear(8, 7), nn.LayerNorm(7), nn.ReLU(), nn.Linear(7, 3))
    state = _filled(nn.Sequential(*first, *then))
    state["1.weight"][3] = state["5.weight"][1] = state["7.weight"][2] = 0
    drawn = _Stored(state)
    x = drawn.relu(drawn.batch("1", drawn.fc("0", drawn.input(1, 6))))
    x = drawn.batch("5", drawn.relu(drawn.fc("3", x)))
    x = drawn.norm("7", "layer", drawn.fc("6", x), scale=state["7.weight"], shift=state["7.bias"])
    return drawn.inputs(drawn.fc("9", drawn.relu(x)))


def _cnn() -> NetworkInputs:
    first = (nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.ReLU())
    then = (nn.Conv2d(8, 8, 1, groups=2), nn.ReLU(), nn.Flatten())
    last = (nn.Linear(32, 7), nn.ReLU(), nn.Linear(7, 3))
    state = _filled(nn.Sequential(*first, *then, *last))
    state["3.weight"][1] = state["5.weight"][4] = 0
    state["5.bias"][4] = -2
    drawn = _Stored(state)
    x = drawn.relu(drawn.batch("1", drawn.filters("0", drawn.input(1, 3, 2, 2)), 1))
    x = drawn.relu(drawn.filters("5", drawn.relu(drawn.filters("3", x)), 2))
    x = drawn.relu(drawn.fc("8", drawn.flatten(x)))
    return drawn.inputs(drawn.fc("10", x))


NETWORKS: dict[str, Callable[[], NetworkInputs]] = {"mlp": _mlp, "normed": _normed, "cnn": _cnn}


@pytest.fixture(params=NETWORKS)
def pinned(request: pytest.FixtureRequest) -> tuple[NetworkInputs, dict[str, Any]]:
    return NETWORKS[request.param](), PINNED[request.param]


Pinned = tuple[NetworkInputs, dict[str, Any]]


@pytest.mark.parametrize(
    ("name", "analysis"),
    [
        ("weights", WeightArrays()),
        ("l2", WeightArrays("l2")),
        ("carrying", CarryingGraph()),
        ("flow_graph", FlowGraph()),
        ("balanced", BalancedGraph()),
    ],
)
def test_graphs(pinned: Pinned, name: str, analysis: Any) -> None:
    inputs, expected = pinned
    blocks = {block.layer: block.weights for block in inputs.tensors_of(analysis).blocks}
    assert list(blocks) == list(expected[name])
    for layer, weights in blocks.items():
        known = torch.tensor(expected[name][layer], dtype=torch.float64)
        torch.testing.assert_close(weights, known, rtol=1e-12, atol=1e-15)


def test_flow(pinned: Pinned) -> None:
    inputs, expected = pinned
    for group, flow in inputs.result(Flow()).units.items():
        layer = group if group in expected["flow"] else "input"
        assert flow.tolist() == pytest.approx(expected["flow"][layer], rel=1e-12, abs=1e-15)


def test_units(pinned: Pinned) -> None:
    inputs, expected = pinned
    found = {u.layer: u for u in inputs.result(UnitWeights())}
    assert list(found) == [layer for layer, *_ in expected["units"]]
    for layer, total, silent, constant, off, activation in expected["units"]:
        units = found[layer]
        # a unit that no scale of a layer norm passes on still changes the statistics of the others
        silent = [] if (layer, silent) == ("6", [2]) else silent
        assert (units.total, list(units.silent)) == (total, silent)
        assert (list(units.constant), list(units.off)) == (constant, off)
        assert units.activation == activation


def test_what_carries_nothing(pinned: Pinned) -> None:
    inputs, expected = pinned
    for units, (layer, negligible, unconnected, smallest) in zip(
        inputs.result(NegligibleUnits()), expected["negligible"], strict=True
    ):
        told = (units.layer, list(units.negligible), list(units.unconnected))
        if (layer, unconnected) == ("6", [2]):
            assert told == ("6", [2], [])
            continue
        assert told == (layer, negligible, unconnected)
        assert units.smallest == pytest.approx(smallest, rel=1e-12)


def test_scales_components_and_clusters(pinned: Pinned) -> None:
    inputs, expected = pinned
    network = inputs.network
    for scale, (layer, units, spread) in zip(
        inputs.result(UnitScales()), expected["scales"], strict=True
    ):
        assert (scale.layer, scale.units) == (layer, units)
        assert scale.spread == pytest.approx(spread, rel=1e-12)
    found = [[c.neurons, c.inputs, c.outputs] for c in inputs.result(Components())]
    assert found == expected["components"]
    ncut, spectral_sum, sizes, isolated = expected["ncut"]
    partition = inputs.result(Partition(clusters=3))
    assert (list(partition.sizes), partition.isolated_units) == (sizes, isolated)
    assert partition.ncut == pytest.approx(ncut, rel=1e-12)
    assert partition.spectral_sum == pytest.approx(spectral_sum, rel=1e-10)
    assert [network.neurons, network.connections] == expected["size"]
