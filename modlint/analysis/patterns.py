"""Regular expressions of configurations, which nobody vouches for, against names of modules.

`re` can be made to run for ever by a pattern of a dozen characters, so it is only given those in
which that cannot happen. Others are matched without backtracking, in steps that are counted:
literals, classes, groups, alternatives, repeats, lookaheads and anchors; of what else there is
(references back, lookbehinds, atomic groups, flags within) nothing is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache

MAX_PATTERN = 5_000
"""Characters of a pattern that is looked at; of a name likewise."""
MAX_WAYS = 50_000
"""In how many ways a pattern may match, for `re` to be given it."""
MAX_STEPS = 100_000
"""Steps that one match without backtracking may take."""
_MOST = 16

_TOKEN = re.compile(
    r"\\(?:x\w{2}|u\w{4}|U\w{8}|N\{[^}]*\}|0[0-7]{0,2}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL
)
"""One character, escaped or not, or a class of them."""
_REPEAT = re.compile(r"(?:([*+?])|\{(\d*)(?:(,)(\d*))?\})(\??)(\+?)")
_GROUP = re.compile(r"\((\?:|\?P<\w+>|\?=|\?!|(?!\?))")
_PLACES = frozenset({"^", "$", r"\A", r"\Z", r"\b", r"\B"})
_REFERENCE = re.compile(r"\\[1-9]")


class _Unmatched(Exception):
    """What is not matched here: a part of a pattern, or one that takes too many steps."""


class _Text:
    """A name that is matched, and the steps that are left for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.left = MAX_STEPS

    def spend(self, steps: int) -> None:
        self.left -= steps + 1
        if self.left < 0:
            raise _Unmatched


_Step = Callable[[_Text, frozenset[int]], frozenset[int]]
"""From places in a name to the places that may follow."""


def matches(pattern: str, name: str, *, whole: bool = False) -> bool | None:
    """Whether a name begins with what a pattern describes, as `re.match` says.

    Args:
        pattern: a regular expression.
        name: a module's.
        whole: whether the pattern must describe all of it, as `re.fullmatch` says.

    Returns:
        None where the pattern is no regular expression, or one that is not matched here.
    """
    if max(len(pattern), len(name)) > MAX_PATTERN:
        return None
    compiled = _compiled(pattern)
    if compiled is None:
        return None
    if _ways(pattern, len(name)) <= MAX_WAYS:
        return (compiled.fullmatch if whole else compiled.match)(name) is not None
    step = _steps(pattern)
    try:
        ends = frozenset[int]() if step is None else step(_Text(name), frozenset({0}))
    except (_Unmatched, RecursionError):
        return None
    return None if step is None else len(name) in ends if whole else bool(ends)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _ways(pattern: str, length: int) -> float:
    """At most how many ways `re` tries to match a name of so many characters."""
    signs = _TOKEN.sub(lambda found: found[0] if len(found[0]) == 1 else "x", pattern)
    plain = re.sub(r"\(\?(?:[:=!]|<[=!]|P<\w+>)", "(", signs.removeprefix("(?i)"))
    if re.search(r"\)(?:[*+]|\{)", plain) or "(?" in plain or _REFERENCE.search(pattern):
        return math.inf
    repeats, choices = sum(map(plain.count, "*+{")), sum(map(plain.count, "|?"))
    if repeats > _MOST or choices > _MOST:
        return math.inf
    return math.comb(length + repeats, repeats) * 2.0**choices


@lru_cache(maxsize=4096)
def _steps(pattern: str) -> _Step | None:
    """A valid pattern as steps; None where a part of it is not matched here."""
    try:
        return _Parser(pattern).alternatives()
    except (_Unmatched, RecursionError):
        return None


class _Parser:
    """Reads a pattern that `re` has accepted."""

    def __init__(self, pattern: str) -> None:
        self.flags = re.IGNORECASE if pattern.startswith("(?i)") else re.NOFLAG
        self.rest = pattern.removeprefix("(?i)")

    def alternatives(self) -> _Step:
        """Up to the end of the group, or of the pattern."""
        branches = [self._sequence()]
        while self.rest.startswith("|"):
            self.rest = self.rest[1:]
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        return lambda text, places: frozenset().union(*(b(text, places) for b in branches))

    def _sequence(self) -> _Step:
        steps: list[_Step] = []
        while self.rest and self.rest[0] not in "|)":
            steps.append(self._repeated(self._one()))

        def sequence(text: _Text, places: frozenset[int]) -> frozenset[int]:
            for step in steps:
                if not places:
                    break
                places = step(text, places)
            return places

        return sequence

    def _one(self) -> _Step:
        if self.rest.startswith("("):
            return self._group()
        token = self._taken(_TOKEN)[0]
        if token in _PLACES:
            return _place(token)
        if _REFERENCE.match(token):
            raise _Unmatched
        one = re.compile(token, self.flags)
        return lambda text, places: _after(text, places, one)

    def _group(self) -> _Step:
        kind = self._taken(_GROUP)[1]
        inner = self.alternatives()
        self.rest = self.rest[1:]
        return _ahead(inner, kind == "?=") if kind in ("?=", "?!") else inner

    def _repeated(self, inner: _Step) -> _Step:
        found = _REPEAT.match(self.rest)
        if found is None or found[0] == "{}":
            return inner
        self.rest = self.rest[found.end() :]
        sign, least, comma, most, _, possessive = found.groups()
        if possessive:
            raise _Unmatched
        if sign:
            return _repeat(int(sign == "+"), 1 if sign == "?" else MAX_PATTERN, inner)
        least = int(least or 0)
        most = int(most or MAX_PATTERN) if comma else least
        return _repeat(least, most, inner)

    def _taken(self, kind: re.Pattern[str]) -> re.Match[str]:
        found = kind.match(self.rest)
        if found is None:
            raise _Unmatched
        self.rest = self.rest[found.end() :]
        return found


def _after(text: _Text, places: frozenset[int], one: re.Pattern[str]) -> frozenset[int]:
    text.spend(len(places))
    return frozenset(
        i + 1 for i in places if i < len(text.name) and one.match(text.name[i]) is not None
    )


def _repeat(least: int, most: int, inner: _Step) -> _Step:
    def repeat(text: _Text, places: frozenset[int]) -> frozenset[int]:
        for _ in range(least):
            before, places = places, inner(text, places)
            if places in (before, frozenset()):
                break
        reached, front = places, places
        for _ in range(most - least):
            front = inner(text, front) - reached
            if not front:
                break
            reached |= front
        return reached

    return repeat


def _ahead(inner: _Step, wanted: bool) -> _Step:
    return lambda text, places: frozenset(
        place for place in places if bool(inner(text, frozenset({place}))) is wanted
    )


def _place(token: str) -> _Step:
    """Where an anchor holds, told by `re`."""
    anchor = re.compile(token)
    return lambda text, places: frozenset(
        place for place in places if anchor.match(text.name, place) is not None
    )
