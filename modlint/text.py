"""Text that is safe and pleasant to show: escapes, numbers, sizes, and what a stream can take."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TextIO

MAX_WIDTH = 120
"""Lines longer than this, in cells, are hard to read, however wide the terminal is."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("−–╌─", "-"),
        **dict.fromkeys("│┃┴", "|"),
        **dict.fromkeys("▁▂", "."),
        **dict.fromkeys("▃▄▅", ":"),
        **dict.fromkeys("▆▇█", "#"),
        **dict.fromkeys("━╸", "="),
        **dict.fromkeys("×✖", "x"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("‘’", "'"),
        "✔": "+",
        "·": ".",
        "•": "*",
        "…": "...",
        "≤": "<=",
        "≥": ">=",
        "±": "+/-",
        "▶": ">",
        "▼": "v",
        "╱": "/",
        "→": "->",
        "∞": "inf",
    }
)


_COMMAND = re.compile(
    r":(?=:(?:add-|debug|echo|endgroup|error|group|internal-|notice|remove-|save-|set-|stop-|warning))"
    r"|#(?=#[\w-]*\[)",
    re.IGNORECASE,
)
"""Where CI systems take a printed line for a command: GitHub's `::error …::` at its start and
`##[error]` anywhere, `##vso[…]` of Azure Pipelines, `##teamcity[…]`. Lines are broken anywhere."""


def printable(text: str, limit: int | None = None) -> str:
    r"""`text` on one line, every control, bidirectional or otherwise invisible character escaped.

    Names and paths come from files that nobody vouches for: a newline or an escape sequence in one
    must neither break a line nor drive a terminal. It is shown as ``\n`` or ``\x1b`` instead. Nor
    must one command the CI that prints it: the first character of what could is escaped, ``\x3a``.

    Args:
        text: what to show.
        limit: characters of `text` to keep; the middle of a longer one is left out.
    """
    if limit is not None and len(text) > limit:
        tail = limit // 3
        text = f"{text[: limit - tail - 1]}…{text[-tail:]}"
    if not text.isprintable():
        text = "".join(c if c.isprintable() else escaped(c) for c in text)
    if "::" in text or "##" in text:
        text = _COMMAND.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return text


def encodable(text: str, encoding: str | None) -> str:
    """`text` with what `encoding` lacks put in plain letters, or else escaped.

    Drawing characters become one ASCII character each, so that columns stay aligned.
    """
    if _fits(text, encoding):
        return text
    return "".join(c if _fits(c, encoding) else _plain(c, encoding) for c in text)


def json_safe(text: str) -> str:
    r"""JSON with ``\uXXXX`` for what would drive a terminal or a CI, or would not be seen."""
    text = re.sub(r"#(?=#[\w-]*\[)", r"\\u0023", text)
    return re.sub(r"[^\x00-\x7e]", lambda m: m[0] if m[0].isprintable() else _uxxxx(m[0]), text)


def _uxxxx(character: str) -> str:
    import json

    return json.dumps(character)[1:-1]


def escaped(text: str) -> str:
    r"""`text` in ASCII, by Python's escapes: ``\n``, ``\x1b``, ``\u202e``."""
    return text.encode("unicode_escape").decode("ascii")


def _plain(character: str, encoding: str | None) -> str:
    plain = character.translate(_PLAIN)
    return plain if _fits(plain, encoding) else escaped(character)


def _fits(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def number(value: float) -> str:
    """A number to four significant digits, three below 1; whole numbers by thousands."""
    if isinstance(value, int) or (value == round(value, 0) and abs(value) < 1e15):
        return f"{int(value):,}"
    if 9999.5 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"


def file_size(nbytes: int) -> str:
    """A size in decimal units: 1.6 MB is 1,600,000 bytes."""
    if nbytes < 1000:
        return count(nbytes, "byte")
    power = min(len(f"{nbytes:d}") - 1, 15) // 3
    if round(nbytes / 1000**power, 1) >= 1000:
        power += 1
    return f"{nbytes / 1000**power:,.1f} {_UNITS[power]}"


def count(amount: int, singular: str, plural: str | None = None) -> str:
    """An amount with its noun: "1 file", "1,818 neurons"."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def listed(names: Iterable[str], most: int = 3) -> str:
    """The first few names, made printable, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(printable(name, 100) for name in every[:most]) + more


def ranges(numbers: Iterable[int]) -> list[str]:
    """Numbers in rising order, runs of them as one: "0–3", "5"."""
    runs: list[list[int]] = []
    for number_ in sorted(numbers):
        if runs and runs[-1][1] == number_ - 1:
            runs[-1][1] = number_
        else:
            runs.append([number_, number_])
    return [str(first) if first == last else f"{first}–{last}" for first, last in runs]


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour what is written to `stream`: NO_COLOR, then FORCE_COLOR, then a terminal.

    A variable that is set but empty counts as unset.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int:
    """Cells in a line of `stream`: the terminal's, at most `MAX_WIDTH`; 80 where it is none."""
    import shutil

    if not stream.isatty() and not os.environ.get("COLUMNS"):
        return 80
    return max(40, min(shutil.get_terminal_size().columns, MAX_WIDTH))
