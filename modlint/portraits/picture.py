"""The picture of a partition: weights by cluster, eigenvalues with their gap, the shuffles."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from modlint.portraits.panels import draw_panel
from modlint.portraits.plots import draw_eigenvalues, draw_null
from modlint.portraits.portrait import NetworkPortrait
from modlint.portraits.style import INK, MUTED, STYLE
from modlint.results.clusters import Panel
from modlint.text import count, printable

COLUMNS = 4
"""Panels side by side."""

WIDTH, PLOT_HEIGHT, HEADINGS = 12.0, 3.4, 0.9
"""Of the figure, of the row of plots and of the headings, in inches."""

PANEL_HEIGHTS = {1: 5.2, 2: 5.2, 3: 4.1, 4: 3.1}
"""Of a row, in inches, by the number of panels in it."""

PAD = 0.12
"""Around everything, in inches."""

DPI = 150


def draw(
    path: Path, name: str, network: NetworkPortrait, panels: Sequence[Panel], layers: int
) -> None:
    """Draw a network's clusters into a .png or .svg file; the same input gives the same bytes.

    Args:
        path: where to; its suffix tells the format.
        name: what the network is called in the title; any text.
        network: what to draw.
        panels: weights of its layers, at least one.
        layers: how many layers it has.

    Raises:
        OSError: the file cannot be written.
    """
    with _settings():
        figure = _figure(name, network, panels, layers)
        dated = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        figure.savefig(path, dpi=DPI, metadata=dated)


@contextmanager
def _settings() -> Iterator[None]:
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # names of any script
        yield


def _figure(name: str, network: NetworkPortrait, panels: Sequence[Panel], layers: int) -> Figure:
    rows = ceil(len(panels) / COLUMNS)
    columns = ceil(len(panels) / rows)
    heights = [rows * PANEL_HEIGHTS[columns], PLOT_HEIGHT]
    layout = ConstrainedLayoutEngine(h_pad=PAD, w_pad=PAD)
    figure = Figure(figsize=(WIDTH, HEADINGS + sum(heights)), layout=layout)
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{printable(name, 60)}: {len(network.clusters)} clusters of {_neurons(network)}",
        color=INK,
        fontsize=15,
        fontweight="bold",
    )
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    above.suptitle(_caption(len(panels), layers), color=MUTED, fontsize=10)
    grid = list(above.subplots(rows, columns, squeeze=False).flat)
    for axes, panel in zip(grid, panels, strict=False):
        draw_panel(axes, panel)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    left, right = below.subplots(1, 2)
    draw_eigenvalues(left, network.eigenvalues, len(network.clusters))
    draw_null(right, network)
    return figure


def _caption(drawn: int, layers: int) -> str:
    which = "weights" if drawn == layers else f"weights of the {drawn} largest of {layers} layers"
    return f"Absolute {which}, neurons in the order of their clusters; outlined: within a cluster"


def _neurons(network: NetworkPortrait) -> str:
    live = network.neurons - network.isolated_units
    isolated = f", {network.isolated_units:,} isolated" if network.isolated_units else ""
    return count(live, "neuron") + isolated
