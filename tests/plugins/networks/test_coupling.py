"""What is connected is one neuron: labels spread with numpy, and scipy's components."""

from __future__ import annotations

import numpy as np
import pytest

from modlint_plugins.networks.flow.coupling import coupled


def _least(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """By a union-find."""
    parent = list(range(count))

    def root(n: int) -> int:
        while parent[n] != n:
            n = parent[n]
        return n

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return [root(n) for n in range(count)]


@pytest.mark.parametrize("edges", [0, 1, 20, 60, 200])
def test_random_pairs(edges: int) -> None:
    random = np.random.default_rng(edges)
    left, right = random.integers(0, 60, (2, edges))
    expected = _least(60, list(zip(left.tolist(), right.tolist(), strict=True)))
    assert coupled(60, [(left, right)]).tolist() == expected


def test_a_long_chain_in_any_order() -> None:
    order = np.random.default_rng(0).permutation(3000)
    assert not coupled(3000, [(order[:-1], order[1:])]).any()


def test_pairs_of_several_kinds() -> None:
    first, second = np.array([[0, 1], [2, 3]]), np.array([[3], [1]])
    assert coupled(6, [(first[0], first[1]), (second[0], second[1])]).tolist() == [0, 1, 0, 1, 4, 5]
