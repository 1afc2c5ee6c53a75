"""How often the matched null finds modules: a slice of benchmarks/modules, seeded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.modules.__main__ import PLANTED
from benchmarks.modules.networks import ARCHITECTURES, Kind, network, without_modules
from modlint.analysis.modules import MatchedTest
from modlint.errors import Unavailable
from modlint.results.modules import ModuleTest

EACH = 16
SHUFFLES = 19
"""The least that can give p = .05."""


def _test(kind: Kind, seed: int) -> ModuleTest:
    inputs = network(kind, seed)
    return inputs.result(MatchedTest(shuffles=SHUFFLES, seed=seed))


@pytest.mark.parametrize("architecture", range(len(ARCHITECTURES)), ids=ARCHITECTURES)
def test_networks_without_modules_pass_for_modular_at_most_by_chance(architecture: int) -> None:
    """Of p ≤ .05 in 16 networks at that level more than three come once in a hundred times."""
    small = tested = 0
    for number in range(architecture, EACH * len(ARCHITECTURES), len(ARCHITECTURES)):
        kind = without_modules(number)
        try:
            found = _test(replace(kind, units=min(kind.units, 150)), number)
        except Unavailable:
            continue
        tested += 1
        small += found.p_value <= 0.05
    assert tested >= EACH // 2
    assert small <= 3


@pytest.mark.parametrize("title", PLANTED)
def test_planted_modules_are_found(title: str) -> None:
    kind = replace(Kind(units=200, modules=10, up=4.6), **PLANTED[title])
    found = [_test(kind, seed) for seed in range(3)]
    assert [each.p_value for each in found] == [0.05] * 3
    assert min(each.effect_size for each in found) >= 0.01


def test_networks_side_by_side_are_found() -> None:
    found = _test(Kind(units=200, separate=True), 0)
    assert (found.p_value, found.clusters) == (0.05, 2)
    assert found.effect_size > 0.9
