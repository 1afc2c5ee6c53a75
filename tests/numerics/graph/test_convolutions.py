"""The channels of convolutions alone, of programs that torch exported, against sums by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hand_built import random_chain
from support import no_progress
from torch import Tensor, nn
from torch.nn import functional

from modlint.analysis.clustering import Partition
from modlint.analysis.graphs import ConvolutionGraph, FlowGraph
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry
from modlint.errors import Unavailable
from modlint.numerics.graph.adjacency import adjacency

pytestmark = pytest.mark.filterwarnings("ignore")
GRAPH = ConvolutionGraph()


class Normed(nn.Module):
    """A convolution and its batch norm, of which some scales are negative."""

    def __init__(self, inputs: int, outputs: int, size: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        nn.init.uniform_(self.norm.weight, -1.5, 1.5)
        nn.init.uniform_(self.norm.running_var, 0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.norm(self.conv(x))
        return made

    def edges(self) -> np.ndarray:
        """|w γ/√(σ² + ε)| summed over each kernel: (in, out)."""
        scale = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        return (self.conv.weight * scale[:, None, None, None]).abs().sum((2, 3)).T.numpy()


class Residual(nn.Module):
    """Two residual blocks; the second one's shortcut is a convolution, as ResNet's are."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = Normed(3, 6), Normed(6, 6), Normed(6, 6)
        self.c, self.d, self.shortcut = Normed(6, 10), Normed(10, 10), Normed(6, 10, 1)
        self.fc = nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.stem(x)), 2)
        x = functional.relu(x + self.b(functional.relu(self.a(x))))
        x = functional.relu(self.shortcut(x) + self.d(functional.relu(self.c(x))))
        made: Tensor = self.fc(x.mean((2, 3)))
        return made

    def expected(self) -> np.ndarray:
        """Vertices: the stream of 6, what a makes, what c makes, the stream of 10."""
        parts = {"stream": 0, "a": 6, "c": 12, "wide": 22}
        return _symmetric(
            32,
            (parts["stream"], parts["a"], self.a.edges()),
            (parts["a"], parts["stream"], self.b.edges()),
            (parts["stream"], parts["c"], self.c.edges()),
            (parts["c"], parts["wide"], self.d.edges()),
            (parts["stream"], parts["wide"], self.shortcut.edges()),
        )


class Plain(nn.Module):
    """Convolutions, pooling and a classifier of two layers, as VGG's."""

    WIDTHS = (8, 8, 12, 14)

    def __init__(self) -> None:
        super().__init__()
        pairs = pairwise((3, *self.WIDTHS))
        self.convs = nn.ModuleList(nn.Conv2d(m, n, 3, padding=1) for m, n in pairs)
        self.fc1, self.fc2 = nn.Linear(14 * 4, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        for i, conv in enumerate(self.convs):
            x = functional.relu(conv(x))
            x = functional.max_pool2d(x, 2) if i % 2 else x
        made: Tensor = self.fc2(functional.relu(self.fc1(x.flatten(1))))
        return made

    def expected(self) -> np.ndarray:
        starts = np.cumsum((0, *self.WIDTHS))
        kernels = [conv.weight.abs().sum((2, 3)).T.numpy() for conv in list(self.convs)[1:]]
        places = enumerate(kernels)
        return _symmetric(starts[-1], *((starts[i], starts[i + 1], w) for i, w in places))


def _symmetric(order: int, *parts: tuple[int, int, np.ndarray]) -> np.ndarray:
    matrix = np.zeros((order, order))
    for row, column, weights in parts:
        m, n = weights.shape
        matrix[row : row + m, column : column + n] += weights
        matrix[column : column + n, row : row + m] += weights.T
    return matrix


def examined(module: nn.Module, path: Path) -> FileExamination:
    """The file that torch.export writes of a module."""
    with torch.no_grad():
        torch.export.save(torch.export.export(module.eval(), (torch.randn(2, 3, 8, 8),)), path)
    registry = load_registry()
    checkpoint, errors = load_whole(path, registry.readers), list[str]()
    built = build_networks(checkpoint, registry.builders, errors)
    return FileExamination(checkpoint, built, "cpu", no_progress, errors)


@pytest.mark.parametrize(
    ("module", "vertices", "connected", "whole"),
    [
        # a and b join the same two groups: 36 pairs, 72 weights
        pytest.param(Residual, 32, 36 + 60 + 100 + 60, 3 + 32 + 4, id="residual"),
        pytest.param(Plain, 42, 8 * 8 + 8 * 12 + 12 * 14, 3 + 42 + 16 + 5, id="plain"),
    ],
)
@torch.no_grad()
def test_vertices_edges_and_cut_are_those_counted_by_hand(
    module: type[Residual | Plain],
    vertices: int,
    connected: int,
    whole: int,
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    made = module()
    file = examined(made, tmp_path / "model.pt2")
    (network,) = file.networks
    graph = file.result(GRAPH, network)
    matrix = adjacency(graph).dense()
    expected = made.expected()
    order = _order(expected, matrix)

    assert network.neurons == whole
    assert matrix.shape == (vertices, vertices)
    assert np.count_nonzero(matrix) == 2 * connected
    np.testing.assert_allclose(matrix[np.ix_(order, order)], expected, rtol=1e-5)

    found = file.result(Partition(clusters=4, graph=GRAPH), network)
    labels = np.concatenate([found.labels[group] for group in graph.groups])[order]
    assert found.neurons == vertices
    assert found.isolated_units == 0
    assert found.ncut == pytest.approx(_ncut(expected, labels), rel=1e-5)
    left_out = [found.labels[name] for name in {g.name for g in network.groups} - {*graph.groups}]
    assert sum(map(len, left_out)) == whole - vertices
    assert {label for labels in left_out for label in labels} == {-1}


def _order(expected: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The vertex of `matrix` that each of `expected` is: their strengths all differ."""
    order = np.zeros(len(expected), dtype=int)
    order[expected.sum(0).argsort()] = matrix.sum(0).argsort()
    return order


def _ncut(matrix: np.ndarray, labels: np.ndarray) -> float:
    return sum(
        matrix[labels == c][:, labels != c].sum() / matrix[labels == c].sum() for c in range(4)
    )


def test_a_part_of_the_flow(tmp_path: Path) -> None:
    file = examined(Plain(), tmp_path / "model.pt2")
    (network,) = file.networks
    found = file.result(ConvolutionGraph(FlowGraph()), network)
    whole = file.result(FlowGraph(), network)
    kept = {block.layer: block for block in found.blocks}
    assert len(whole.blocks) == 6
    assert len(kept) == 3
    assert all(kept[b.layer].weights is b.weights for b in whole.blocks if b.layer in kept)


def test_without_two_convolutions_there_is_no_graph() -> None:
    with pytest.raises(Unavailable, match="no convolution of it reads what a convolution makes"):
        random_chain(0, 5, 4, 3).result(GRAPH)
