"""Structures are found by rebuilding the weight, at the distance that is stated, and no others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg

from modlint.numerics.spectra.structures import structure

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(0)


def drawn(*shape: int) -> Array:
    return RANDOM.standard_normal(shape)


def block_circulant(blocks: int, size: int) -> Array:
    return np.block([[scipy.linalg.circulant(drawn(size)) for _ in range(blocks)]] * blocks)


MATRICES = {
    "toeplitz": lambda: scipy.linalg.toeplitz(drawn(60), drawn(90)),
    "circulant": lambda: scipy.linalg.circulant(drawn(64)),
    "low-rank": lambda: drawn(80, 5) @ drawn(5, 60),
    "block-diagonal": lambda: scipy.linalg.block_diag(*drawn(3, 20, 30)),
    "repeated-blocks": lambda: np.tile(drawn(20, 90), (3, 1)),
}


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.018])
@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_structure_is_found_at_its_distance(kind: str, noise: float, dtype: Any) -> None:
    matrix = MATRICES[kind]()
    error = drawn(*matrix.shape)
    error *= noise * np.linalg.norm(matrix) / np.linalg.norm(error)
    found = structure((matrix + error).astype(dtype), 0.02)
    assert found is not None
    assert found.kind == kind
    assert found.distance <= noise * 1.01 + 1e-6
    assert 2 * found.kept <= found.elements == matrix.size


@pytest.mark.parametrize("kind", MATRICES)
def test_noise_above_the_distance_hides_it(kind: str) -> None:
    matrix = MATRICES[kind]()
    error = drawn(*matrix.shape)
    error *= 0.03 * np.linalg.norm(matrix) / np.linalg.norm(error)
    assert structure(matrix + error, 0.02) is None


@pytest.mark.parametrize("shape", [(64, 64), (60, 90), (96, 48), (8, 200)])
def test_a_random_matrix_has_none(shape: tuple[int, int]) -> None:
    assert structure(drawn(*shape), 0.02) is None
    assert structure(np.full(shape, 0.3), 0.02) is None
    assert structure(np.zeros(shape), 0.02) is None
    assert structure(drawn(*shape)[:4], 0.02) is None


def test_the_least_is_kept_of_several() -> None:
    found = structure(np.eye(64), 0.02)
    assert found is not None
    assert found.kind == "circulant"
    assert found.kept == 64
