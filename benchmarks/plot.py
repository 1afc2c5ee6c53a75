"""The reproduced table as a picture: statistics with their nulls, and z-scores, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from published import ROWS, Row
from table import TITLES, of_row

STYLES = {
    "published": ("black", "D", -0.27),
    "scikit-learn": ("tab:blue", "o", -0.09),
    "modlint filan2021": ("tab:orange", "s", 0.09),
    "modlint spectral": ("tab:green", "^", 0.27),
}
"""By source: colour, marker, offset from the row's line."""


def draw(networks: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the picture: a line of panels per dataset."""
    # a fixed salt and no date: the same figures give the same bytes
    matplotlib.rcParams.update({"svg.hashsalt": "modlint", "svg.fonttype": "none"})
    figure = Figure(figsize=(12, 11), layout="constrained")
    panels = figure.subplots(len(TITLES), 2, sharex="col", squeeze=False)
    for (dataset, title), (statistic, z) in zip(TITLES.items(), panels, strict=True):
        rows = [row for row in ROWS if row.dataset == dataset]
        for panel, what in ((statistic, "statistic and null mean ± 2 sd"), (z, "z")):
            panel.set_yticks(range(len(rows)), [row.title for row in rows])
            panel.set(title=f"{title}: {what}", ylim=(len(rows) - 0.5, -0.5))
            panel.grid(axis="x", alpha=0.3)
        z.set_xscale("symlog", linthresh=10)
        z.axvline(0, color="grey", linewidth=0.8)
        for place, row in enumerate(rows):
            _draw_row(statistic, z, place, row, of_row(row, networks))
    for name, (colour, marker, _) in STYLES.items():
        panels[0, 1].plot([], [], marker, color=colour, label=name, linestyle="none")
    figure.legend(loc="outside upper center", ncols=len(STYLES))
    figure.savefig(path, metadata={"Date": None})


def _draw_row(
    statistic: Axes, z: Axes, place: int, row: Row, networks: list[dict[str, Any]]
) -> None:
    """The paper's figures and each network's, by each program."""
    for source, (colour, marker, offset) in STYLES.items():
        y = place + offset
        for figures in _figures(source, row, networks):
            statistic.plot(figures["observed"], y, marker, color=colour, markersize=5)
            if figures["null_mean"] is not None:
                spread = 2 * (figures["null_std"] or 0)
                statistic.errorbar(
                    figures["null_mean"], y, xerr=spread, color=colour, fmt="|", capsize=2
                )
            if figures["z_score"] is not None:
                z.plot(figures["z_score"], y, marker, color=colour, markersize=5)
        if source == "published" and row.published and row.published.z_range:
            z.hlines(y, *row.published.z_range, color=colour)


def _figures(source: str, row: Row, networks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if source != "published":
        return [network[source] for network in networks if source in network]
    names = ("observed", "null_mean", "null_std", "z_score")
    return [{name: getattr(row.published, name) for name in names}] if row.published else []
