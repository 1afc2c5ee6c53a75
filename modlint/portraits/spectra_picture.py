"""Spectra drawn: exponents, distances, norms and ranks by layer."""

from __future__ import annotations

from pathlib import Path

from modlint.portraits.spectra_document import SpectraDocument
from modlint.portraits.spectra_table import MARKS
from modlint.text import printable

_PANELS = (
    ("alpha", "α"),
    ("D", "D"),
    ("log_spectral_norm", "log10 λmax"),
    ("stable_rank", "stable rank"),
)
_NAMED = 40
_LONGEST = 28


def draw(path: Path, document: SpectraDocument) -> None:
    """Write a picture: a panel for each measurement, a point for each layer.

    Args:
        path: ends in .png or .svg.
        document: with at least one layer.
    """
    from matplotlib.figure import Figure

    names = [
        MARKS.get(layer.kind, "") + printable(layer.name, _LONGEST) for layer in document.layers
    ]
    figure = Figure(figsize=(9, max(3.0, 0.22 * min(len(names), 120) + 1.4)), layout="constrained")
    panels = figure.subplots(1, len(_PANELS), sharey=True)
    for panel, (column, heading) in zip(panels, _PANELS, strict=True):
        values = [layer.value(column) for layer in document.layers]
        places = [place for place, value in enumerate(values) if value is not None]
        panel.plot([values[place] for place in places], places, ".", color="#3465a4")
        panel.set_title(heading, fontsize=9)
        panel.grid(axis="x", alpha=0.3)
        panel.tick_params(labelsize=7)
    shown = range(0, len(names), max(1, len(names) // _NAMED))
    panels[0].set_yticks(list(shown), [names[place] for place in shown])
    panels[0].invert_yaxis()
    figure.suptitle(printable(document.path, 80), fontsize=9)
    figure.savefig(path, dpi=150)
