"""Leading eigenpairs against numpy's decomposition of the whole matrix."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from modlint.numerics.graph.adjacency import Adjacency
from modlint.numerics.linalg import eigen
from modlint.numerics.linalg.eigen import leading_pairs


@pytest.fixture(params=["numpy", "torch"], autouse=True)
def library(request: pytest.FixtureRequest) -> str:
    """Which library's arrays the adjacencies of a test are made of."""
    return str(request.param)


def _solved(matrix: Adjacency, k: int, library: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The pairs that a library finds, as torch's tensors."""
    if library == "numpy":
        blocks = {at: block.numpy() for at, block in matrix.blocks.items()}
        matrix = Adjacency(matrix.sizes, blocks)
    values, vectors = leading_pairs(matrix, k)
    assert isinstance(values, np.ndarray) == (library == "numpy")
    return torch.asarray(values), torch.asarray(vectors)


def _random(sizes: tuple[int, ...], *pairs: tuple[int, int], seed: int = 0) -> Adjacency:
    """An adjacency of random positive blocks between pairs of groups."""
    generator = torch.Generator().manual_seed(seed)
    blocks = {}
    for i, j in pairs:
        block = torch.rand(sizes[i], sizes[j], dtype=torch.float64, generator=generator) ** 4
        blocks[i, j] = (block + block.T).fill_diagonal_(0) if i == j else block
    return Adjacency(sizes, blocks)


def _assert_pairs(
    matrix: Adjacency, k: int, library: str, values_to: float = 1e-9, to: float = 1e-7
) -> None:
    values, vectors = _solved(matrix, k, library)
    assert values.dtype == vectors.dtype == torch.float64
    scale = matrix.degrees.rsqrt()
    normalised = matrix.dense() * scale * scale.unsqueeze(1)
    expected = np.linalg.eigvalsh(normalised.numpy())[::-1][:k]
    np.testing.assert_allclose(values, expected, atol=values_to)
    torch.testing.assert_close(normalised @ vectors, vectors * values, atol=to, rtol=0)
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(k).double(), atol=1e-7, rtol=0)
    peaks = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    assert bool((peaks > 0).all())


CHAIN = ((0, 1), (1, 2), (2, 3))


@pytest.mark.parametrize("sizes", [(20, 30, 25, 6), (4, 30, 5, 30), (40, 9, 40, 9)])
def test_chain(sizes: tuple[int, ...], library: str) -> None:
    matrix = _random(sizes, *CHAIN)
    assert matrix.sides() is not None
    _assert_pairs(matrix, 8, library)


def test_skip_connection_closes_an_odd_cycle(library: str) -> None:
    matrix = _random((20, 15, 10), (0, 1), (1, 2), (0, 2))
    assert matrix.sides() is None
    _assert_pairs(matrix, 8, library)


def test_edges_within_a_group(library: str) -> None:
    matrix = _random((20, 15), (0, 1), (1, 1))
    assert matrix.sides() is None
    _assert_pairs(matrix, 6, library)


def test_components_repeat_the_eigenvalue_one(library: str) -> None:
    matrix = _random((12, 12, 9, 14), (0, 1), (2, 3))
    _assert_pairs(matrix, 5, library)
    assert _solved(matrix, 5, library)[0][:2].tolist() == pytest.approx([1, 1])


def test_smaller_side_has_fewer_vertices_than_pairs(library: str) -> None:
    _assert_pairs(_random((50, 3), (0, 1)), 12, library)
    _assert_pairs(_random((3, 50), (0, 1)), 12, library)


def test_smaller_side_of_low_rank(library: str) -> None:
    sizes = (40, 15)
    block = torch.ones(sizes, dtype=torch.float64) / (40 * 15) ** 0.5
    _assert_pairs(Adjacency(sizes, {(0, 1): block}), 12, library)


def test_spectrum_of_a_bipartite_graph_is_symmetric_below_its_rank(library: str) -> None:
    matrix = _random((6, 7), (0, 1))
    _assert_pairs(matrix, 7, library)


LARGE = [CHAIN, (*CHAIN, (0, 2)), ((0, 1), (2, 3))]


@pytest.mark.parametrize("gram", [True, False])
@pytest.mark.parametrize("pairs", LARGE)
def test_subspaces_found_in_float32(
    pairs: tuple[tuple[int, int], ...], gram: bool, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    double = _random((450, 300, 260, 390), *pairs, seed=2)
    matrix = Adjacency(double.sizes, {at: block.float() for at, block in double.blocks.items()})
    if not gram:
        monkeypatch.setattr(eigen, "GRAM_ADVANTAGE", 0)
    solved = []
    solve = eigen._solve
    monkeypatch.setattr(eigen, "_solve", lambda *a: solved.append(a[-1]) or solve(*a))
    _assert_pairs(matrix, 12, library, values_to=1e-6, to=3e-4)
    assert len(solved) == 1


@pytest.mark.parametrize("sizes", [(384, 1536), (450, 2304), (600, 2304)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_spectra_without_gaps_converge(
    sizes: tuple[int, int], dtype: torch.dtype, library: str
) -> None:
    block = torch.randn(*sizes, generator=torch.Generator().manual_seed(0)).abs().to(dtype)
    _assert_pairs(Adjacency(sizes, {(0, 1): block}), 12, library, values_to=1e-6, to=3e-4)


def _chain_of(
    sizes: tuple[int, ...], draw: Callable[[int, int, torch.Generator], torch.Tensor]
) -> Adjacency:
    generator = torch.Generator().manual_seed(0)
    pairs = enumerate(itertools.pairwise(sizes))
    return Adjacency(sizes, {(i, i + 1): draw(m, n, generator).float() for i, (m, n) in pairs})


NASTY = {
    "a path": _chain_of((1,) * 900, lambda m, n, g: torch.ones(m, n)),
    "two deep parts": _chain_of(
        (4,) * 300,
        lambda m, n, g: torch.block_diag(*(torch.rand(2, 2, generator=g) for _ in range(2))),
    ),
    "equal weights": _chain_of((500, 380, 400, 380, 10), lambda m, n, g: torch.ones(m, n)),
    "a matching": _chain_of((400, 400), lambda m, n, g: torch.eye(m)),
    "forty copies": _chain_of(
        (480, 480), lambda m, n, g: torch.block_diag(*[torch.ones(12, 12)] * 40)
    ),
    "rank two": _chain_of(
        (600, 500),
        lambda m, n, g: torch.rand(m, 2, generator=g) @ torch.rand(2, n, generator=g),
    ),
    "nearly equal": _chain_of((500, 400), lambda m, n, g: 1 + 1e-4 * torch.rand(m, n, generator=g)),
    "ten orders of magnitude": _chain_of(
        (500, 400), lambda m, n, g: (10 * torch.randn(m, n, generator=g)).exp()
    ),
    "complete": Adjacency((400,), {(0, 0): torch.ones(400, 400).fill_diagonal_(0)}),
}


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("k", [2, 12])
def test_sums_of_degenerate_and_uneven_graphs(name: str, k: int, library: str) -> None:
    matrix = NASTY[name]
    scale = matrix.degrees.rsqrt()
    expected = np.linalg.eigvalsh((matrix.dense() * scale * scale.unsqueeze(1)).numpy())[-k:]
    assert float(_solved(matrix, k, library)[0].sum()) == pytest.approx(expected.sum(), abs=3e-6)


def test_float64_takes_over_where_float32_is_not_enough(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    double = _random((450, 300, 260, 390), *CHAIN, seed=2)
    matrix = Adjacency(double.sizes, {at: block.float() for at, block in double.blocks.items()})
    monkeypatch.setattr(eigen, "ACCEPTED", 1e-6)
    _assert_pairs(matrix, 12, library)


@pytest.mark.parametrize("pairs", LARGE)
def test_krylov_method_of_large_graphs(
    pairs: tuple[tuple[int, int], ...], monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    matrix = _random((150, 200, 160, 190), *pairs, seed=1)
    whole, _ = _solved(matrix, 6, library)
    monkeypatch.setattr(eigen, "_decompose_whole", lambda order, k: False)
    values, _ = _solved(matrix, 6, library)
    torch.testing.assert_close(values, whole, atol=1e-10, rtol=0)
    _assert_pairs(matrix, 6, library)
