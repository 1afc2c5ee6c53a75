"""Spectra for people: a row for each layer, in as many columns as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modlint.portraits.rich_text import drawn, hanging
from modlint.portraits.spectra_document import LayerSpectrum, SpectraDocument
from modlint.text import count, printable, width

NAME, WIDE_NAME = 26, 44
"""Characters of a layer's name that are shown, in 80 cells and in 120."""
_WIDE = 110
_GAP = 2
_SHOWN = 4
MARKS = {"adapter": "Δ ", "adapted": "+ ", "change": "Δ "}
"""What stands before the name of what is no weight of the file."""
_COUNTED = {
    "weight": "layer",
    "adapter": "product",
    "adapted": "adapted weight",
    "change": "change",
}

_COMPARABLE = (
    "energy, entropy and kurtosis tell adapters apart only among those of one base, rank and"
    " targets (arXiv 2602.15195): no value of theirs is good or bad by itself"
)


class _Column(NamedTuple):
    """A column: its heading, what it holds, digits behind the point, and its width."""

    heading: str
    value: str
    digits: int
    cells: int


_FIRST = (
    _Column("α", "alpha", 2, 6),
    _Column("D", "D", 3, 5),
    _Column("spikes", "num_pl_spikes", 0, 6),
    _Column("stable", "stable_rank", 1, 6),
    _Column("log‖W‖²", "log_norm", 2, 7),
)
_ASKED = (
    _Column("traps", "num_traps", 0, 5),
    _Column("period", "kernel_period", 1, 6),
    _Column("energy", "energy_concentration", 2, 6),
    _Column("entropy", "spectral_entropy", 2, 7),
    _Column("kurtosis", "element_kurtosis", 1, 8),
)
_FURTHER = (
    _Column("log λmax", "log_spectral_norm", 2, 8),
    _Column("α̂", "alpha_weighted", 2, 6),
    _Column("rank", "rank", 0, 6),
    _Column("above MP", "num_spikes", 0, 8),
)


def spectra_table(document: SpectraDocument, stream: TextIO) -> str:
    """All layers, the means, and what has no spectrum, at the width of `stream`."""
    cells = width(stream)
    title = f"{printable(document.path)} "
    parts: list[RenderableType] = [
        Text.assemble((title, "bold"), ("─" * max(0, cells - len(title)), "dim"))
    ]
    if document.layers:
        parts += [_table(document.layers, cells), Text()]
    parts += list(_summary(document, cells))
    return drawn(stream, *parts)


def _table(layers: Sequence[LayerSpectrum], cells: int) -> Padding:
    name = WIDE_NAME if cells >= _WIDE else NAME
    names = _names(layers, name)
    sizes = [_size(layer) for layer in layers]
    used = 2 + max(map(len, [*names, "layer"])) + _GAP + max(map(len, [*sizes, "N×M"]))
    columns = _fitting(layers, cells - used)
    table = Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, _GAP - 1, 0, 0),
        pad_edge=False,
        border_style="dim",
    )
    table.add_column("layer", no_wrap=True)
    for heading in ("N×M", *(column.heading for column in columns)):
        table.add_column(heading, justify="right", no_wrap=True)
    for layer, shown, size in zip(layers, names, sizes, strict=True):
        values = (_cell(layer.value(column.value), column.digits) for column in columns)
        table.add_row(Text(shown, "bold"), Text(size, "dim"), *values)
    return Padding(table, (0, 0, 0, 2))


def _fitting(layers: Sequence[LayerSpectrum], cells: int) -> list[_Column]:
    """The columns in order of importance, as long as there is room."""
    asked = [c for c in _ASKED if any(layer.value(c.value) is not None for layer in layers)]
    chosen: list[_Column] = []
    for column in (*_FIRST[:4], *asked, *_FIRST[4:], *_FURTHER):
        cells -= column.cells + _GAP
        if cells < 0:
            break
        chosen.append(column)
    order = (*_FIRST, *_FURTHER, *_ASKED)
    return sorted(chosen, key=order.index)


def _names(layers: Sequence[LayerSpectrum], most: int) -> list[str]:
    """The ends of the names; where these do not tell them apart, beginnings and ends."""
    marks = [MARKS.get(layer.kind, "") for layer in layers]
    whole = [f"{mark}{layer.name}" for mark, layer in zip(marks, layers, strict=True)]
    for shortened in (_shortened, printable):
        shown = [
            mark + shortened(layer.name, most - len(mark))
            for mark, layer in zip(marks, layers, strict=True)
        ]
        if len({*shown}) == len({*whole}):
            break
    return shown


def _shortened(name: str, most: int) -> str:
    """A name's end, in which the names of one network differ."""
    shown = printable(name)
    return shown if len(shown) <= most else f"…{shown[1 - most :]}"


def _size(layer: LayerSpectrum) -> str:
    found = layer.spectrum
    slices = f" ·{found.slices:,}" if found.slices > 1 else ""
    return f"{found.rows}×{found.columns}{slices}"


def _cell(value: Any, digits: int) -> Text:
    return Text("·", "dim") if value is None else Text(f"{value:,.{digits}f}")


def _summary(document: SpectraDocument, cells: int) -> Iterator[Text]:
    for kind, means in document.summary.items():
        words = [count(int(means["layers"]), _COUNTED[kind])]
        if "alpha" in means:
            words.append(f"mean α {means['alpha']:.2f}")
            words.append(f"mean α · log10 λmax {means['alpha_weighted']:.2f}")
        words.append(f"mean stable rank {means['stable_rank']:.1f}")
        yield hanging(Text("  "), Text(" · ".join(words)), cells)
    if "adapter" in document.summary:
        yield hanging(Text("  "), Text(_COMPARABLE), cells)
    approximate = [layer for layer in document.layers if layer.spectrum.method != "gram"]
    if approximate:
        worst = max(layer.spectrum.error for layer in approximate)
        told = (
            f"{count(len(approximate), 'layer')} by the largest eigenvalues alone (to {worst:.0e}"
            " of the largest): α is of these, no rank and no bulk is told; --exact has all"
        )
        yield hanging(Text("  "), Text(told), cells)
    reasons: dict[str, list[str]] = {}
    for name, reason in document.unavailable.items():
        reasons.setdefault(reason, []).append(_shortened(name, NAME))
    for reason, names in reasons.items():
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        told = f"no spectrum of {', '.join(names[:_SHOWN])}{more}: {printable(reason)}"
        yield hanging(Text("  "), Text(told, "dim"), cells)
