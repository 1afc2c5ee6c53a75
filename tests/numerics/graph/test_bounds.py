"""Bounds of values against what the networks give on random inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from relu_networks import (
    FAITHFUL,
    GRAPHS,
    MISLEADING,
    NETWORKS,
    Between,
    close,
    seeded,
    write_graph,
)
from torch import Tensor, nn
from truth.rebuilt import rebuilt

from modlint.analysis.intervals import DeadRelus
from modlint.numerics.graph.bounds import Bounds

INPUTS = 100_000
RANGE = (-2.0, 3.0)
LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)


def drawn(example: Tensor, count: int) -> Tensor:
    """Random inputs: most within the range, some at its ends."""
    if not example.is_floating_point():
        return torch.randint(0, 20, (count, *example.shape[1:]))
    x = RANGE[0] + (RANGE[1] - RANGE[0]) * torch.rand(count, *example.shape[1:])
    x[::5] = torch.where(x[::5] > 0, RANGE[1], RANGE[0])
    return x


def extremes(module: nn.Module, example: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """By name of a layer, the least and the largest that each channel gives."""
    found: dict[str, tuple[Tensor, Tensor]] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, _: Any, out: Tensor) -> None:
            axis = 1 if out.dim() == 4 else -1
            flat = out.detach().movedim(axis, 0).flatten(1)
            low, high = flat.min(1).values, flat.max(1).values
            if name in found:
                low, high = low.minimum(found[name][0]), high.maximum(found[name][1])
            found[name] = (low, high)

        return hook

    torch.manual_seed(1)
    hooks = [
        part.register_forward_hook(note(name))
        for name, part in module.named_modules()
        if isinstance(part, LAYERS)
    ]
    with torch.no_grad():
        for _ in range(20):
            module(drawn(example, INPUTS // 20))
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_no_input_leaves_the_bounds(name: str, tmp_path: Path) -> None:
    build, example = NETWORKS[name]
    module = seeded(build, 0)
    close(module)
    seen = extremes(module, example)
    for container in GRAPHS:
        (tmp_path / container).mkdir()
        file = rebuilt(write_graph(module, example, container, tmp_path / container))
        (network,) = file.networks
        bounds = Bounds(network, file, RANGE).by_value
        layers = {call.name: call.target for call in network.calls}
        assert set(layers) == set(seen)
        for layer, (low, high) in seen.items():
            bound = bounds[layers[layer]]
            assert np.isfinite([bound.low, bound.high]).all(), layer
            assert (low.numpy() >= bound.low).all(), layer
            assert (high.numpy() <= bound.high).all(), layer
        last = bounds[layers["second"]]
        width = last.high - last.low
        reached = (seen["second"][1] - seen["second"][0]).numpy()
        assert np.median(reached / width) > 0.02  # bounds that any number kept would be worthless


@pytest.mark.parametrize("container", GRAPHS)
@pytest.mark.parametrize("what", {**FAITHFUL, **MISLEADING})
def test_what_lies_between_layers(what: str, container: str, tmp_path: Path) -> None:
    function, width = {**FAITHFUL, **MISLEADING}[what]
    module = seeded(lambda: Between(function, width), 2)
    close(module, slice(0, 10))
    if "resizing" in what and container != "program":
        pytest.skip("takes the exporter long")
    try:
        path = write_graph(module, torch.zeros(1, 8), container, tmp_path)
    except Exception as error:  # an operator that this exporter lacks
        pytest.skip(str(error)[:80])
    with torch.no_grad():
        hidden = torch.relu(module.first(torch.randn(10_000, 8)))  # type: ignore[operator]
        opened = (module.second(function(hidden)) > 0).any(0)  # type: ignore[operator]
    file = rebuilt(path)
    found = {
        unit
        for network in file.networks
        for relu in DeadRelus().compute(network, file)
        if relu.layer == "second"
        for unit in relu.dead
    }
    assert not found.intersection(torch.nonzero(opened).flatten().tolist())
    if what in FAITHFUL:
        assert found == set(range(10))
