"""The eigenvalues with their gap, and the n-cut among those of the shuffles."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from modlint.portraits.portrait import NetworkPortrait
from modlint.portraits.style import BLUE, FAINT, MUTED, ORANGE
from modlint.text import count, number

WIDE = 0.2
"""A share of the plot's height in which a label finds room."""


def draw_eigenvalues(axes: Axes, eigenvalues: Sequence[float], k: int) -> None:
    """Draw the smallest eigenvalues of the normalised Laplacian; those of the clusters are full."""
    axes.set_title("Eigenvalues of the normalised Laplacian")
    axes.set_xlabel("number, ascending")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    places = range(1, len(eigenvalues) + 1)
    axes.plot(
        places[:k], eigenvalues[:k], "o", color=BLUE, clip_on=False, label=f"of the {k} clusters"
    )
    if len(eigenvalues) > k:
        axes.plot(
            places[k:],
            eigenvalues[k:],
            "o",
            markerfacecolor="white",
            markeredgecolor=MUTED,
            label="beyond",
        )
        _mark_gap(axes, k, eigenvalues[k - 1], eigenvalues[k], max(eigenvalues))
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")


def _mark_gap(axes: Axes, k: int, low: float, high: float, top: float) -> None:
    """Mark the gap between eigenvalues k and k + 1, its size where no eigenvalue stands."""
    axes.axvspan(k, k + 1, color=ORANGE, alpha=0.12, linewidth=0)
    axes.plot([k + 0.5] * 2, [low, high], color=ORANGE, linewidth=2)
    if high - low > WIDE * top:
        at, offset, ha, va = (low + high) / 2, (8, 0), "left", "center"
    elif low > WIDE * top:
        at, offset, ha, va = low, (0, -14), "center", "top"
    else:
        at, offset, ha, va = high, (0, 14), "center", "bottom"
    place: dict[str, Any] = {"xytext": offset, "textcoords": "offset points", "ha": ha, "va": va}
    label = f"gap {number(high - low)}"
    axes.annotate(label, (k + 0.5, at), color=ORANGE, fontweight="bold", **place)


def draw_null(axes: Axes, network: NetworkPortrait) -> None:
    """Draw the n-cuts of the shuffled networks and mark the network's own."""
    null = network.null
    axes.set_title("n-cut among those of the shuffled networks")
    if not null.null_samples:
        axes.set_axis_off()
        axes.text(0.5, 0.5, fill(f"not compared: {null.reason}", 50), ha="center", color=MUTED)
        return
    shuffles = count(null.shuffles, "shuffle")
    bins = 2 * ceil(sqrt(len(null.null_samples)))
    axes.hist(null.null_samples, bins=bins, color=FAINT, edgecolor=MUTED, label=shuffles)
    own = null.ncut or 0.0
    axes.axvline(own, color=ORANGE, linewidth=2, label=f"this network, {own:.2f}")
    axes.set_xlabel(
        f"n-cut (z {null.z_score:.1f}, p {null.p_value:.2g}, effect {null.effect_size:.1%})"
    )
    axes.set_ylabel("shuffles")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.25)
    axes.legend(loc="upper right")
