"""A value against its limit: strain, and the bar that one reads without colour."""

from __future__ import annotations

import math

import pytest

from modlint.verdict import Confidence, Outcome, Severity, Target, Verdict
from modlint_plugins.reporters.full.measure import Bound, Measure, measures


@pytest.mark.parametrize(
    ("value", "bound", "limit", "strain"),
    [
        (0.02, "max", 0.05, 0.4),
        (0.2, "max", 0.05, 4),
        (-1, "max", 0.05, 0),
        (0, "max", 0, 0),
        (3, "max", 0, math.inf),
        (-4, "max", -2, 0.5),
        (-1, "max", -2, 2),
        (18, "max", -2, math.inf),
        (0.8, "min", 0.5, 0.625),
        (0.25, "min", 0.5, 2),
        (0, "min", 0.5, math.inf),
        (0, "min", 0, 0),
        (-1, "min", 0, math.inf),
    ],
)
def test_strain_exceeds_one_exactly_where_the_limit_is_broken(
    value: float, bound: Bound, limit: float, strain: float
) -> None:
    assert Measure("x", value, bound, limit).strain == pytest.approx(strain)
    broken = value > limit if bound == "max" else value < limit
    assert (strain > 1) is broken


@pytest.mark.parametrize(
    ("value", "limit", "bar"),
    [
        (0.0, 0.1, "········┃···"),
        (1e-9, 0.1, "╸·······┃···"),
        (0.05, 0.1, "━━━━····┃···"),
        (0.1, 0.1, "━━━━━━━━┃···"),
        (0.1001, 0.1, "━━━━━━━━┃╸··"),
        (0.125, 0.1, "━━━━━━━━┃━━·"),
        (7.0, 0.1, "━━━━━━━━┃━━▶"),
        (-4.0, 2.0, "········┃···"),
        (-1.0, -2.0, "━━━━····┃···"),
    ],
)
def test_a_bar_reaches_past_its_mark_exactly_when_the_value_does(
    value: float, limit: float, bar: str
) -> None:
    assert Measure("x", value, "max", limit).bar("green", 12).plain == bar


def test_every_cell_count_holds_every_value() -> None:
    for cells in range(8, 15):
        for step in range(200):
            measure = Measure("x", step / 100, "max", 1.0)
            assert len(measure.bar("green", cells).plain) == cells


def test_the_closer_of_two_limits_counts_and_missing_values_do_not() -> None:
    verdict = Verdict(
        rule="SPC006",
        name="tail-exponent",
        outcome=Outcome.PASS,
        severity=Severity.NOTE,
        confidence=Confidence.HIGH,
        target=Target("file", "model.pt"),
        values={"alpha": 5.0, "fit": None, "ratio": math.nan, "kind": "x", "share": 0.4},
        limit={
            "share": {"max": 0.5, "mean": 1.0},
            "alpha": {"min": 2.0, "max": 6.0},
            "fit": {"max": 1.0},
            "ratio": {"max": 1.0},
            "kind": {"max": 1.0},
            "absent": {"max": 1.0},
        },
    )
    assert measures(verdict) == [
        Measure("alpha", 5.0, "max", 6.0),
        Measure("share", 0.4, "max", 0.5),
    ]
