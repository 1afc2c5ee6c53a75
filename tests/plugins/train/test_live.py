"""A live module's networks and graph are those of its saved checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from modlint_train import NotInferred
from modlint_train.graph import live_adjacency
from modlint_train.live import LiveInputs, infer, live_tensors
from torch import nn
from torch.nn.utils import parametrizations, prune
from traced_networks import as_tensors
from trained_modules import ALL, make

from modlint.analysis.weights import WeightArrays
from modlint.engine.load import build_networks, load
from modlint.engine.registry import load_registry
from modlint.network import Norm
from modlint.numerics.graph.adjacency import adjacency, compact, live_vertices


@pytest.mark.parametrize("name", sorted(set(ALL) - {"cnn"}))
def test_networks_are_those_of_the_saved_file(name: str, tmp_path: Path) -> None:
    module, path = make(name), tmp_path / "model.pt"
    torch.save(module.state_dict(), path)
    registry = load_registry()
    (checkpoint,) = load(path, registry.readers)
    assert infer(module) == build_networks(checkpoint, registry.builders, []).networks


def test_epsilon_is_the_modules_own() -> None:
    (network,) = infer(make("cnn"))
    assert [op.epsilon for op in network.operations if isinstance(op, Norm)] == [1e-2, 1e-5]


@pytest.mark.parametrize("name", ALL)
def test_graph_is_the_one_that_check_measures(name: str) -> None:
    module = make(name)
    (network,) = infer(module)
    inputs = LiveInputs(network, live_tensors(module))
    matrix, degree = live_adjacency(inputs)
    graph = as_tensors(WeightArrays().compute(network, inputs))
    expected = adjacency(compact(graph, live_vertices(adjacency(graph))))
    assert matrix.sizes == expected.sizes
    torch.testing.assert_close(matrix.dense(), expected.dense(), rtol=1e-13, atol=0)
    torch.testing.assert_close(degree, expected.dense().sum(0), rtol=1e-13, atol=0)


def test_channels_last_memory_changes_nothing() -> None:
    module = make("cnn")
    (network,) = infer(module)
    before = live_adjacency(LiveInputs(network, live_tensors(module)))[0].dense()
    module.to(memory_format=torch.channels_last)
    after = live_adjacency(LiveInputs(network, live_tensors(module)))[0].dense()
    torch.testing.assert_close(before, after, rtol=1e-13, atol=0)


def test_what_modlint_cannot_rebuild_is_refused_with_its_reason() -> None:
    with pytest.raises(NotInferred, match=r"takes 5 inputs, 0 before it gives 3"):
        infer(nn.Sequential(nn.Linear(4, 3), nn.Linear(5, 2)))
    with pytest.raises(NotInferred, match="no weight matrices"):
        infer(nn.Sequential(nn.ReLU()))


def test_a_module_that_contradicts_its_names_and_shapes_is_refused() -> None:
    dilated = nn.Sequential(nn.Conv2d(4, 8, 1), nn.Conv2d(2, 8, 1, groups=1))
    with pytest.raises(NotInferred, match=r"1 is Conv2d\(2, 8.* conv in 4 group"):
        infer(dilated)


def test_computed_weights_are_refused() -> None:
    module = make("mlp")
    parametrizations.weight_norm(module[2])
    with pytest.raises(NotInferred, match=r"2\.parametrizations\.weight\.original0 is no weight"):
        infer(module)
    module = make("mlp")
    prune.l1_unstructured(module[0], "weight", 0.5)
    with pytest.raises(NotInferred, match=r"0\.weight_orig is no weight"):
        infer(module)
