"""Keys whose hashes are alike: those that a file can know, and healthy ones that are many."""

from __future__ import annotations

import pickle
import uuid
from fractions import Fraction

import pytest
from numpy.random import default_rng

from modlint_plugins.pickling.alike import MODULUS, MOST
from modlint_plugins.pickling.scan import interpret

_MANY = range(1, MOST + 10)
_P1, _P2, _P5 = 11400714785074694791, 14029467366897019727, 2870177450012600261
"""Factors of the hash of tuples (CPython, Objects/tupleobject.c)."""


def alike_pairs() -> list[tuple[int, int]]:
    """Pairs of small numbers of one hash, by solving its last step."""
    size = 1 << 64

    def turn(value: int, by: int) -> int:
        return ((value << by) | (value >> (64 - by))) % size

    def step(total: int, lane: int) -> int:
        return turn((total + lane * _P2) % size, 31) * _P1 % size

    wanted = turn(step(step(_P5, 1), 2) * pow(_P1, -1, size) % size, 33)
    solved = ((a, (wanted - step(_P5, a)) * pow(_P2, -1, size) % size) for a in range(10 * MOST))
    return [(a, b) for a, b in solved if b < MODULUS]


def hazards(value: object, protocol: int = 4) -> list[str]:
    found = interpret(memoryview(pickle.dumps(value, protocol)))
    assert found.trace.incomplete is None
    return [hazard.kind for hazard in found.hazards]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    "keys",
    [
        [MODULUS * n for n in _MANY],
        [-MODULUS * n for n in _MANY],
        [(0, (MODULUS * n,)) for n in _MANY],
        [frozenset([MODULUS * n]) for n in _MANY],
        [uuid.UUID(int=MODULUS * n) for n in _MANY],
        [Fraction(MODULUS * n + 1) for n in _MANY],
        alike_pairs()[: len(_MANY)],
    ],
    ids=["numbers", "negative", "tuples", "frozensets", "UUIDs", "fractions", "solved"],
)
def test_keys_of_one_hash_are_an_exhaustion(keys: list[object], protocol: int) -> None:
    assert hazards(dict.fromkeys(keys), protocol) == ["allocation"]


@pytest.mark.parametrize(
    "value",
    [
        dict.fromkeys(map(int, default_rng(0).integers(0, 1 << 64, 20_000, dtype="uint64"))),
        dict.fromkeys((a, b) for a in range(-100, 100) for b in range(100)),
        [{(-1, 0): 1, (-2, 0): 2, (1 << 63) - 1: 3} for _ in range(MOST * 2)],
        dict.fromkeys(uuid.UUID(int=n << 64 | n) for n in range(5000)),
        dict.fromkeys(n * 0.5 for n in range(5000)),
        dict.fromkeys(map(str, range(5000))),
        [MODULUS * n for n in _MANY],
    ],
    ids=["numbers", "pairs", "repeated", "UUIDs", "fractions", "texts", "no keys"],
)
def test_many_healthy_keys_are_none(value: object) -> None:
    assert hazards(value) == []
