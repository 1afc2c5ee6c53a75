"""A message cut to a length where it loses least: within its lists, quotes and long words."""

from __future__ import annotations

import re

from modlint.text import printable

_KEPT = 24
"""Characters that a part keeps, so that it can still be told from others."""

_PARTS = re.compile(
    r"""\([^()]+\)                # what stands in brackets
    |'[^']+'|"[^"]+"              # or in quotes
    |(?:[^\s,]+,\ ){2,}[^\s,;:]+  # a list of names
    |[^\s]+                       # a path, or a name
    """,
    re.VERBOSE,
)
_NESTED = re.compile(r"\(.+\)")
"""Brackets within brackets, from the first to the last."""


def shortened(message: str, limit: int) -> str:
    """`message` in at most `limit` characters, safe to show.

    How it begins and ends says most: the longest of its parts lose their middle first.
    """
    while len(message) > limit:
        part = _longest(_PARTS, message) or _longest(_NESTED, message)
        if part is None:
            return printable(message, limit)
        length = max(_KEPT, len(part[0]) - (len(message) - limit))
        tail = length // 3
        start, end = part.start() + length - tail - 1, part.end() - tail
        message = f"{message[:start]}…{message[end:]}"
    return printable(message)


def _longest(pattern: re.Pattern[str], message: str) -> re.Match[str] | None:
    """The longest part that can still lose something."""
    parts = (part for part in pattern.finditer(message) if len(part[0]) > _KEPT)
    return max(parts, key=lambda part: len(part[0]), default=None)
