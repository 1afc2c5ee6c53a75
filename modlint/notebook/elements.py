"""Texts, tables and labels, each with its style beside it: notebooks keep no style sheet apart."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from modlint.text import count, printable

_LONGEST = 400
_ROWS = 200
_GROUNDS = {"error": "#c62828", "warning": "#a03aa0", "note": "#1565c0", "pass": "#2e7d32"}
"""White is read on each: a contrast of 5 or more."""
_CELL = "text-align:left;vertical-align:top;white-space:normal;padding:.25em .7em .25em 0"
_NUMBER = _CELL.replace("left", "right")


def element(tag: str, content: str, style: str = "") -> str:
    """An element around what is HTML already."""
    return f'<{tag} style="{style}">{content}</{tag}>' if style else f"<{tag}>{content}</{tag}>"


def text(content: object) -> str:
    """Any text, escaped, without what would act on a terminal or a page."""
    return html.escape(printable(str(content), _LONGEST))


def heading(title: str, rest: str = "") -> str:
    """A line that begins in bold type."""
    return element("p", element("b", text(title)) + text(rest))


def label(name: str, ground: str | None = None) -> str:
    """A word on a coloured ground."""
    colour = _GROUNDS.get(ground or name, "#616161")
    style = f"background:{colour};color:#fff;border-radius:.3em;padding:.05em .45em;font-size:90%"
    return element("span", text(name), style)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already: the first 200 rows, without columns that are empty.

    Args:
        headers: of the columns; numbers stand to the right below one that begins with `#`.
        rows: a cell for each column.
    """
    listed = list(rows)
    used = [place for place in range(len(headers)) if any(row[place] for row in listed)]
    styles = [_NUMBER if header.startswith("#") else _CELL for header in headers]
    titles = [text(header.removeprefix("#")) for header in headers]
    head = "".join(element("th", titles[place], styles[place]) for place in used)
    body = "".join(
        element("tr", "".join(element("td", row[place], styles[place]) for place in used))
        for row in listed[:_ROWS]
    )
    more = len(listed) - _ROWS
    note = element("p", text(f"and {count(more, 'more row')}")) if more > 0 else ""
    whole = element("thead", element("tr", head)) + element("tbody", body)
    return element("table", whole, "border-collapse:collapse") + note


def folded(title: str, content: str) -> str:
    """What is opened by a click."""
    return element("details", element("summary", text(title)) + content)
