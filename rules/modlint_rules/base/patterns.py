"""Regular expressions that a configuration gives: matched only where they take little time."""

from __future__ import annotations

import math
import re
import time

from modlint.errors import Unavailable

MAX_PATTERN = 5_000
"""Characters of an expression."""
MAX_STEPS = 10_000_000
"""Ways in which the repeats of an expression may divide one name among them."""
MAX_SECONDS = 5.0
"""Time that all matches of one file may take."""

_ESCAPED = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_BACK_REFERENCE = re.compile(r"\\[1-9]|\(\?P=|\(\?\(")
_REPEAT = re.compile(r"\*|\+|\{\d*,\d*\}")
_REPEATED_GROUP = re.compile(r"\)\s*(?:[*+]|\{)")


class Patterns:
    """The expressions of one file's configuration, each compiled once.

    Attributes:
        longest: characters of the longest name that is matched.
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._compiled: dict[str, re.Pattern[str]] = {}
        self._until = time.monotonic() + MAX_SECONDS

    def matches(self, pattern: str, name: str) -> bool:
        """Whether the whole of a name matches.

        Raises:
            Unavailable: the expression is none, or may take too long.
        """
        if time.monotonic() > self._until:
            raise Unavailable(f"matching its patterns takes more than {MAX_SECONDS:g} seconds")
        if pattern not in self._compiled:
            self._compiled[pattern] = _compiled(pattern, self.longest)
        return self._compiled[pattern].fullmatch(name) is not None


def _compiled(pattern: str, longest: int) -> re.Pattern[str]:
    shown = pattern if len(pattern) <= 80 else f"{pattern[:80]}…"
    if len(pattern) > MAX_PATTERN or not _is_cheap(pattern, longest):
        raise Unavailable(f"the pattern {shown!r} may take too long to match")
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise Unavailable(f"the pattern {shown!r} is no regular expression: {error}") from error


def _is_cheap(pattern: str, longest: int) -> bool:
    """Whether no group is repeated, and the repeats cannot divide a name in too many ways."""
    plain = _ESCAPED.sub("x", pattern)
    if _BACK_REFERENCE.search(pattern) or _REPEATED_GROUP.search(plain):
        return False
    repeats = len(_REPEAT.findall(plain))
    return math.comb(longest + repeats, repeats) <= MAX_STEPS
