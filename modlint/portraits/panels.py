"""One layer's weights as an image, with the clusters marked along two sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from modlint.portraits.style import BANDS, MUTED, ORANGE, WEIGHTS
from modlint.results.clusters import Panel
from modlint.text import printable

BAND = 0.035
"""Thickness of the bands of clusters, as a share of the panel."""

NUMBERED = 0.045
"""Least share of a side that a cluster must hold for its number to fit."""

LABEL = 9
"""Points between a panel and its labels: the clusters' numbers stand there."""

BRIGHTEST = 0.995
"""Quantile of the image that is drawn darkest; outliers would leave the rest white."""


Span = tuple[float, float]
"""Where something begins and ends, as shares of a side."""


def draw_panel(axes: Axes, panel: Panel) -> None:
    """Draw a layer: rows are the units it drives, columns those it reads, both by cluster."""
    darkest = float(np.quantile(panel.image, BRIGHTEST)) or float(panel.image.max()) or 1.0
    axes.imshow(
        panel.image,
        extent=(0, 1, 1, 0),
        aspect="auto",
        cmap=WEIGHTS,
        vmin=0,
        vmax=darkest,
        interpolation="nearest",
    )
    columns, rows = list(spans(panel.columns)), list(spans(panel.rows))
    for turn, (cluster, (start, stop)) in enumerate(_present(columns)):
        _band(axes, cluster, BANDS[turn % 2], (start, -1.5 * BAND, stop - start, BAND))
    for turn, (cluster, (start, stop)) in enumerate(_present(rows)):
        _band(axes, cluster, BANDS[turn % 2], (-1.5 * BAND, start, BAND, stop - start))
    for (left, right), (top, bottom) in zip(columns, rows, strict=True):
        if right > left and bottom > top:
            square = Rectangle(
                (left, top), right - left, bottom - top, fill=False, edgecolor=ORANGE, linewidth=1
            )
            axes.add_patch(square)
    axes.set_title(printable(panel.layer, 24), pad=12)
    _label(axes, panel)
    axes.set_xlim(-2 * BAND, 1)
    axes.set_ylim(1, -2 * BAND)
    axes.set_box_aspect(1)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _label(axes: Axes, panel: Panel) -> None:
    for set_label, name, amounts in (
        (axes.set_xlabel, panel.source, panel.columns),
        (axes.set_ylabel, panel.target, panel.rows),
    ):
        set_label(f"{printable(name, 20)} ({sum(amounts):,})", labelpad=LABEL)


def _present(sides: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """The clusters that have neurons on a side, with their stretch of it."""
    return ((cluster, side) for cluster, side in enumerate(sides) if side[1] > side[0])


def _band(axes: Axes, cluster: int, colour: str, place: tuple[float, float, float, float]) -> None:
    """A cluster's stretch of a side, numbered where there is room."""
    x, y, width, height = place
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor="none"))
    if max(width, height) >= NUMBERED:
        outside = (x + width / 2, y - BAND) if width > height else (x - BAND, y + height / 2)
        axes.text(
            *outside,
            str(cluster),
            ha="center",
            va="center",
            fontsize=6.5,
            color=MUTED,
            clip_on=False,
        )


def spans(amounts: Sequence[int]) -> Iterator[Span]:
    """Where each cluster begins and ends, as shares of the whole side."""
    total = sum(amounts) or 1
    for end, amount in zip(accumulate(amounts), amounts, strict=True):
        yield (end - amount) / total, end / total
