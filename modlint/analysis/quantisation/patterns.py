"""Names of modules against the patterns of configurations, which nobody vouches for.

Patterns are matched without backtracking, in time that names and patterns bound: `re` can be
made to run for ever by a pattern of a dozen characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from modlint.analysis.quantisation.settings import Settings

_LONGEST = 1000
"""Characters of a pattern, and of a name, that are looked at."""

_SHORT = 256
"""Characters of a name that `re` itself may look at, where a pattern repeats at most twice."""

Step = Callable[[str, frozenset[int]], frozenset[int]]
"""From places in a text to the places that may follow."""


def settings_for(settings: Settings, module: str) -> Settings:
    """What is said of one module: of its own group, else of all."""
    if not settings.groups:
        return settings
    if settings.method == "compressed-tensors":
        return _compressed_tensors(settings, module)
    for names, own in settings.groups:
        if any(module == name or _searched(name, module) for name in names):
            return _merged(settings, own)
    return settings


def matches(pattern: str, name: str) -> bool | None:
    """Whether a name begins with what a regular expression describes, as `re.match` says.

    None where the pattern is no regular expression, or uses what is not matched here.
    """
    if len(name) > _LONGEST:
        return None
    quick = _harmless(pattern) if len(name) <= _SHORT else None
    if quick is not None:
        return quick.match(name) is not None
    step = _compiled(pattern)
    return None if step is None else bool(step(name, frozenset({0})))


def _compressed_tensors(settings: Settings, module: str) -> Settings:
    """The first group whose targets name the module; "Linear" names every one."""
    if len(settings.groups) == 1:
        return _merged(settings, settings.groups[0][1])
    classes = None
    for names, own in settings.groups:
        for name in names:
            if name == module or (name.startswith("re:") and matches(name[3:], module)):
                return _merged(settings, own)
            if classes is None and name == "Linear":
                classes = own
    return settings if classes is None else _merged(settings, classes)


def _merged(settings: Settings, own: Settings) -> Settings:
    from msgspec.structs import replace

    if settings.method != "compressed-tensors" and settings.method != "mlx":
        return replace(own, method=settings.method, source=settings.source, groups=())
    return replace(own, method=settings.method, source=settings.source, left=settings.left)


def _searched(pattern: str, module: str) -> bool:
    return bool(matches(pattern, module))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Step | None:
    """The pattern as steps; None where it cannot be matched so."""
    if len(pattern) > _LONGEST:
        return None
    try:
        parser: Any = re._parser  # type: ignore[attr-defined]
        tree = parser.parse(pattern)
        if tree.state.flags & ~(re.UNICODE | re.IGNORECASE):
            return None
        return _sequence(list(tree), bool(tree.state.flags & re.IGNORECASE))
    except (re.error, RecursionError, OverflowError, _Unknown):
        return None


@lru_cache(maxsize=4096)
def _harmless(pattern: str) -> re.Pattern[str] | None:
    """A pattern that `re` matches in time quadratic in the name; None of any other."""
    repeats = sum(pattern.count(sign) for sign in "*+{")
    if len(pattern) > _SHORT or repeats > 2 or ("|" in pattern and repeats):
        return None
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


class _Unknown(Exception):
    """A part of a pattern that is not matched here."""


def _sequence(nodes: Sequence[tuple[Any, Any]], ignore: bool) -> Step:
    steps = [_node(str(kind), argument, ignore) for kind, argument in nodes]

    def step(text: str, places: frozenset[int]) -> frozenset[int]:
        for each in steps:
            places = each(text, places)
            if not places:
                break
        return places

    return step


def _node(kind: str, argument: Any, ignore: bool) -> Step:
    if kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
        return _character(kind, argument, ignore)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = argument
        return _repeat(int(least), int(most), _sequence(list(inner), ignore))
    if kind == "SUBPATTERN" and not argument[1] and not argument[2]:
        return _sequence(list(argument[3]), ignore)
    if kind == "BRANCH":
        branches = [_sequence(list(branch), ignore) for branch in argument[1]]
        return lambda text, places: frozenset().union(*(b(text, places) for b in branches))
    if kind == "AT":
        return _at(str(argument))
    if kind in ("ASSERT", "ASSERT_NOT") and argument[0] == 1:
        inner_step, wanted = _sequence(list(argument[1]), ignore), kind == "ASSERT"
        return lambda text, places: frozenset(
            place for place in places if bool(inner_step(text, frozenset({place}))) is wanted
        )
    raise _Unknown(kind)


def _character(kind: str, argument: Any, ignore: bool) -> Step:
    if kind == "ANY":
        return lambda text, places: _after(text, places, lambda character: character != "\n")
    if kind == "IN":
        own = _class(argument)
    else:
        own = f"[{'^' if kind == 'NOT_LITERAL' else ''}\\U{argument:08x}]"
    one = re.compile(own, re.IGNORECASE if ignore else 0)
    return lambda text, places: _after(text, places, lambda c: one.match(c) is not None)


def _class(argument: Any) -> str:
    """A class of characters, spelt as `re` spells it."""
    spelt = []
    for kind, value in argument:
        name = str(kind)
        if name == "NEGATE":
            spelt.append("^")
        elif name == "LITERAL":
            spelt.append(f"\\U{value:08x}")
        elif name == "RANGE":
            spelt.append(f"\\U{value[0]:08x}-\\U{value[1]:08x}")
        else:
            spelt.append(_CATEGORIES[str(value)])
    return f"[{''.join(spelt)}]"


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
}


def _after(text: str, places: frozenset[int], fits: Callable[[str], bool]) -> frozenset[int]:
    return frozenset(i + 1 for i in places if i < len(text) and fits(text[i]))


def _repeat(least: int, most: int, inner: Step) -> Step:
    def step(text: str, places: frozenset[int]) -> frozenset[int]:
        for _ in range(min(least, len(text) + 1)):
            places = inner(text, places)
        reached, front = places, places
        for _ in range(min(most - least, len(text) + 1)):
            front = inner(text, front) - reached
            if not front:
                break
            reached |= front
        return reached

    return step


def _at(where: str) -> Step:
    if where in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
        return lambda _, places: places & {0}
    if where in ("AT_END", "AT_END_STRING"):
        return lambda text, places: places & {len(text)}
    if where in ("AT_BOUNDARY", "AT_NON_BOUNDARY"):
        wanted = where == "AT_BOUNDARY"
        return lambda text, places: frozenset(_boundaries(text, places, wanted))
    raise _Unknown(where)


def _boundaries(text: str, places: frozenset[int], wanted: bool) -> Iterator[int]:
    def is_word(index: int) -> bool:
        return 0 <= index < len(text) and (text[index].isalnum() or text[index] == "_")

    for place in places:
        if (is_word(place - 1) != is_word(place)) is wanted:
            yield place
