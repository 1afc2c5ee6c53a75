"""The drawing of a null distribution."""

from __future__ import annotations

from statistics import NormalDist

import pytest

from modlint_plugins.reporters.full.histogram import histogram

SAMPLES = NormalDist(10.0, 0.5).quantiles(51)


def drawing(samples: list[float], observed: float, cells: int = 60) -> list[str]:
    return [line.plain for line in histogram(samples, observed, cells, "green")]


@pytest.mark.parametrize("observed", [-500.0, 8.0, 9.0, 9.5, 10.0, 10.9, 12.0, 1e9])
def test_the_mark_stands_in_one_column_of_every_line(observed: float) -> None:
    pointer, *rows, ruler, _ = drawing(SAMPLES, observed)
    column = pointer.index("▼")
    assert {row[column] for row in rows} == {"│"}
    assert ruler[column] == "┴"
    assert {len(line) for line in (*rows, ruler)} == {60}


def test_the_mark_divides_the_shuffles_as_the_value_does() -> None:
    *_, bottom, ruler, _ = drawing(SAMPLES, 10.0)
    mark = bottom.index("│")
    assert abs(mark - len(ruler) / 2) <= 1
    assert bottom[:mark].strip()
    assert bottom[mark + 1 :].strip()


def test_an_axis_is_broken_only_where_the_value_is_far_off() -> None:
    assert "╱╱" in drawing(SAMPLES, -500.0)[-2]
    assert "╱╱" in drawing(SAMPLES, 500.0)[-2]
    for observed in (min(SAMPLES) - 0.5, 10.0, max(SAMPLES) + 0.5):
        assert "╱╱" not in drawing(SAMPLES, observed)[-2]


def test_tall_bins_hold_more_samples() -> None:
    skewed = [0.0] * 8 + [1.0] * 4 + [2.0]
    *_, bottom, _, _ = drawing(skewed, 1.5, 30)
    top = drawing(skewed, 1.5, 30)[1]
    assert bottom.startswith("███")
    assert top.startswith("███")
    assert top[12:].replace("│", "").strip() == ""
    assert bottom[-1] == "▃"  # an eighth of the tallest, of three lines: three eighths of a cell


def test_the_scale_names_the_ends_with_digits_that_differ() -> None:
    near = [9.4591 + 0.0001 * i for i in range(20)]
    assert drawing(near, 9.32)[-1].split() == ["9.4591", "9.4610"]
    assert drawing(SAMPLES, 10.0)[-1].split() == ["9.0", "11.0"]


def test_equal_samples_and_a_single_one_are_drawn() -> None:
    for samples in ([2.0], [2.0] * 9):
        for observed in (1.0, 2.0, 3.0):
            lines = drawing(samples, observed, 30)
            assert sum("█" in line for line in lines) == 3
