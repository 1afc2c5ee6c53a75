"""Whether two tensors hold the same elements, by numpy and by torch alike."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import torch

from modlint.numerics.tensor.difference import difference

VALUES = np.linspace(-3, 3, 70_000, dtype=np.float32).reshape(700, 100)


def as_numpy(values: np.ndarray, kind: str) -> np.ndarray:
    return values.astype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)


def as_torch(values: np.ndarray, kind: str) -> torch.Tensor:
    return torch.from_numpy(values.copy()).to(getattr(torch, kind))


LIBRARIES = [(as_numpy, as_numpy), (as_torch, as_torch), (as_numpy, as_torch)]
KINDS = ["float64", "float32", "float16", "bfloat16"]


@pytest.mark.parametrize("libraries", LIBRARIES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_casts_are_no_difference_and_changes_are(libraries: tuple, kind: str, other: str) -> None:
    here, there = libraries
    changed = VALUES.copy()
    changed[699, 99] = 2.5
    assert difference(here(VALUES, kind), there(VALUES, other), 1e-6) == 0
    found = difference(here(VALUES, kind), there(changed, other), 1e-6)
    assert found == pytest.approx(0.5 / 3, rel=0.01)


@pytest.mark.parametrize("make", [as_numpy, as_torch])
def test_the_tolerance_is_a_share_of_the_largest(make) -> None:
    nudged = VALUES.copy()
    nudged[350, 50] += 0.003
    assert difference(make(VALUES, "float32"), make(nudged, "float32"), 0.002) == 0
    assert difference(make(VALUES, "float32"), make(nudged, "float32"), 0.0005) > 0


def test_what_is_not_finite_is_compared_too() -> None:
    plain = np.array([1.0, np.nan, np.inf], np.float32)
    assert difference(plain, plain.astype(np.float64), 0.0) == 0
    for index in (1, 2):
        other = plain.copy()
        other[index] = 7.0
        assert difference(plain, other, 0.5) == np.inf


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (2, 3, 4, 5)])
@pytest.mark.parametrize("kind", [np.int64, np.bool_, np.complex64, np.float32])
def test_every_shape_and_type(shape: tuple[int, ...], kind: type) -> None:
    values = np.ones(shape, kind)
    assert difference(values, values.copy(), 0.0) == 0
    assert (difference(values, np.zeros(shape, kind), 0.0) > 0) == bool(values.size)


def test_views_that_are_not_contiguous() -> None:
    assert difference(VALUES.T, np.ascontiguousarray(VALUES.T), 0.0) == 0
