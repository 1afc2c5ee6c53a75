"""Tables and lines drawn with rich, as a stream can take them."""

from __future__ import annotations

import re
from io import StringIO
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType, detect_legacy_windows
from rich.table import Table
from rich.text import Text

from modlint.text import wants_colour, width

GAP = 2
"""Cells between columns."""

_LINE_END = re.compile(r"(?: |\x1b\[[\d;]*m)+$")
"""Spaces at a line's end, among the codes that change colour."""


def drawn(stream: TextIO, *parts: RenderableType) -> str:
    """The parts as text, at the width of `stream` and in colour where it takes colour."""
    colour = wants_colour(stream) and not detect_legacy_windows()
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=width(stream),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for part in parts:
        console.print(part)
    return "".join(f"{_stripped(line)}\n" for line in buffer.getvalue().splitlines())


def _stripped(line: str) -> str:
    """A line without the spaces at its end; the codes stay."""
    return _LINE_END.sub(lambda match: match[0].replace(" ", ""), line)


def hanging(lead: Text, body: Text, cells: int) -> Text:
    """`lead` and, beside it, `body` in as many lines as it needs.

    Args:
        lead: one line.
        body: of words; a word longer than a line is broken.
        cells: width of a line.
    """
    rows = body.wrap(Console(width=cells), max(cells - lead.cell_len, 20))
    indent = Text(" " * lead.cell_len)
    return Text("\n").join(
        Text.assemble(indent if number else lead, row) for number, row in enumerate(rows)
    )


def line(name: str, words: str, cells: int) -> Text:
    """A fact behind its name, within a line's width."""
    return hanging(Text(f"  {name:<9}  ", "bold"), Text(words), cells)


def plain_table() -> Table:
    """A table with a rule below its headings and no other lines."""
    return Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, GAP - 1, 0, 0),
        pad_edge=False,
        border_style="dim",
    )
