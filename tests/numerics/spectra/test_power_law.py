"""The power law against an implementation of its own, and against known exponents."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modlint.numerics.spectra.power_law import power_law

_SPEC = importlib.util.spec_from_file_location("reference", Path(__file__).parent / "reference.py")
assert _SPEC is not None
assert _SPEC.loader is not None
REFERENCE: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(REFERENCE)

SAMPLES = ("pareto", "normal matrix", "exponential", "lognormal", "two values", "ties")


def sample(kind: str, n: int, seed: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(seed)
    if kind == "normal matrix":
        return np.linalg.svd(random.standard_normal((2 * n, n)), compute_uv=False) ** 2
    if kind == "ties":
        return random.integers(1, 20, n).astype(float)
    if kind == "two values":
        return np.where(random.random(n) < 0.5, 1.0, 2.0)
    draws = {
        "pareto": random.pareto(1.7, n) + 1,
        "exponential": random.exponential(1, n),
        "lognormal": random.lognormal(0, 1.5, n),
    }
    return draws[kind]


@pytest.mark.parametrize("n", [5, 9, 19, 20, 21, 64, 300])
@pytest.mark.parametrize("kind", SAMPLES[:4])
def test_it_is_the_fit_of_a_plain_implementation(kind: str, n: int) -> None:
    for seed in range(4):
        values = np.sort(sample(kind, n, seed))
        found, expected = power_law(values), REFERENCE.fitted(values.tolist())
        assert found is not None
        assert found.alpha == pytest.approx(expected.alpha, rel=1e-9)
        assert found.distance == pytest.approx(expected.distance, abs=1e-12)
        assert found.xmin == expected.xmin
        assert found.spikes == expected.spikes


@pytest.mark.parametrize("n", [2, 3, 40, 200])
def test_equal_values_do_no_harm(n: int) -> None:
    for kind in SAMPLES[4:]:
        found = power_law(np.sort(sample(kind, n, 0)))
        assert found is None or (np.isfinite(found.alpha) and 0 <= found.distance <= 1)
    assert power_law(np.ones(n)) is None
    assert power_law(np.zeros(n)) is None


@pytest.mark.parametrize("alpha", [2.0, 3.0, 5.0])
def test_the_exponent_of_a_power_law_is_found(alpha: float) -> None:
    values = np.sort(np.random.default_rng(0).pareto(alpha - 1, 20_000) + 1)
    found = power_law(values)
    assert found is not None
    assert found.alpha == pytest.approx(alpha, rel=0.05)
    assert found.distance < 0.02
