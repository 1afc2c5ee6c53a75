"""Colours and settings of the picture.

Told apart by everyone: the sequential map grows steadily darker in one hue, marks are blue and
orange, and no meaning rests on colour alone (Okabe and Ito, Color Universal Design, 2008).
"""

from __future__ import annotations

from typing import Any

INK, MUTED, FAINT = "#1b2a3a", "#5b6b7b", "#d5dce3"
BLUE, ORANGE = "#0072b2", "#d55e00"
BANDS = ("#5b6b7b", "#b9c4cf")
"""Of neighbouring clusters, by turns: their order tells them apart, and their number."""

WEIGHTS = "Blues"
"""Colour map of weights, from white."""

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "legend.frameon": False,
    "legend.labelcolor": MUTED,
    "svg.fonttype": "none",
    "svg.hashsalt": "modlint",
    "text.color": INK,
    "text.parse_math": False,  # a layer's name may hold dollars
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}
