"""A message cut to a length where it loses least: within its lists, quotes and long words."""

from __future__ import annotations

import re

from modlint.text import printable

_KEPT = 24
"""Characters that a part keeps, so that it can still be told from others."""

_PARTS = re.compile(
    r"""\([^()]{26,}\)            # what stands in brackets
    |'[^']{26,}'|"[^"]{26,}"      # or in quotes
    |(?:[^\s,]+,\ ){2,}[^\s,;:]+  # a list of names
    |[^\s]{26,}                   # a path, or a name
    """,
    re.VERBOSE,
)
_NESTED = re.compile(r"\(.{26,}\)")
"""Brackets within brackets, from the first to the last."""


def shortened(message: str, limit: int) -> str:
    """`message` in at most `limit` characters, safe to show.

    How it begins and ends says most: the longest of its parts lose their middle first.
    """
    while len(message) > limit:
        parts = [*_PARTS.finditer(message)] or [*_NESTED.finditer(message)]
        longest = max(parts, key=lambda part: len(part[0]), default=None)
        if longest is None:
            return printable(message, limit)
        length = max(_KEPT, len(longest[0]) - (len(message) - limit))
        tail = length // 3
        start, end = longest.start() + length - tail - 1, longest.end() - tail
        message = f"{message[:start]}…{message[end:]}"
    return printable(message)
