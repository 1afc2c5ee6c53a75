"""Leading eigenpairs against numpy's decomposition of the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from modlint.analysis.numerics import eigen
from modlint.analysis.numerics.adjacency import Adjacency
from modlint.analysis.numerics.eigen import leading_pairs


def _normalised(sizes: tuple[int, ...], *pairs: tuple[int, int], seed: int = 0) -> Adjacency:
    """A normalised adjacency of random positive blocks between pairs of groups."""
    generator = torch.Generator().manual_seed(seed)
    blocks = {}
    for i, j in pairs:
        block = torch.rand(sizes[i], sizes[j], dtype=torch.float64, generator=generator) ** 4
        blocks[i, j] = (block + block.T).fill_diagonal_(0) if i == j else block
    matrix = Adjacency(sizes, blocks)
    degree = matrix.times(torch.ones(matrix.vertices, dtype=torch.float64))
    return matrix.scaled(degree.rsqrt())


def _assert_pairs(matrix: Adjacency, k: int) -> None:
    values, vectors = leading_pairs(matrix, k)
    expected = np.linalg.eigvalsh(matrix.dense().numpy())[::-1][:k]
    np.testing.assert_allclose(values, expected, atol=1e-9)
    torch.testing.assert_close(matrix.times(vectors), vectors * values, atol=1e-7, rtol=0)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(k).double(), atol=1e-7, rtol=0)
    peaks = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    assert bool((peaks > 0).all())


CHAIN = ((0, 1), (1, 2), (2, 3))


@pytest.mark.parametrize("sizes", [(20, 30, 25, 6), (4, 30, 5, 30), (40, 9, 40, 9)])
def test_chain(sizes: tuple[int, ...]) -> None:
    matrix = _normalised(sizes, *CHAIN)
    assert matrix.sides() is not None
    _assert_pairs(matrix, 8)


def test_skip_connection_closes_an_odd_cycle() -> None:
    matrix = _normalised((20, 15, 10), (0, 1), (1, 2), (0, 2))
    assert matrix.sides() is None
    _assert_pairs(matrix, 8)


def test_edges_within_a_group() -> None:
    matrix = _normalised((20, 15), (0, 1), (1, 1))
    assert matrix.sides() is None
    _assert_pairs(matrix, 6)


def test_components_repeat_the_eigenvalue_one() -> None:
    matrix = _normalised((12, 12, 9, 14), (0, 1), (2, 3))
    _assert_pairs(matrix, 5)
    assert leading_pairs(matrix, 5)[0][:2].tolist() == pytest.approx([1, 1])


def test_smaller_side_has_fewer_vertices_than_pairs() -> None:
    _assert_pairs(_normalised((50, 3), (0, 1)), 12)
    _assert_pairs(_normalised((3, 50), (0, 1)), 12)


def test_smaller_side_of_low_rank() -> None:
    sizes = (40, 15)
    block = torch.ones(sizes, dtype=torch.float64) / (40 * 15) ** 0.5
    _assert_pairs(Adjacency(sizes, {(0, 1): block}), 12)


def test_spectrum_of_a_bipartite_graph_is_symmetric_below_its_rank() -> None:
    matrix = _normalised((6, 7), (0, 1))
    _assert_pairs(matrix, 7)


@pytest.mark.parametrize("pairs", [CHAIN, (*CHAIN, (0, 2)), ((0, 1), (2, 3))])
def test_krylov_method_of_large_graphs(
    pairs: tuple[tuple[int, int], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = _normalised((150, 200, 160, 190), *pairs, seed=1)
    whole, _ = leading_pairs(matrix, 6)
    monkeypatch.setattr(eigen, "_decompose_whole", lambda order, k: False)
    values, _ = leading_pairs(matrix, 6)
    torch.testing.assert_close(values, whole, atol=1e-10, rtol=0)
    _assert_pairs(matrix, 6)
