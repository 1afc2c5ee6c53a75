"""Parts of a joined tensor that stand in an order of their own: experts exchanged, k before q."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from modlint.engine.diff.match import Match
from modlint.engine.diff.measure import Measured

_DIGITS = re.compile(r"\d+")
_FEWEST = 3
"""Joined tensors of one kind from which their usual order can be told."""


def misplaced(measured: Sequence[Measured]) -> list[Match]:
    """The parts that stand where others should.

    Parts whose names differ by numbers alone follow those numbers; all others follow the order
    that most of the joined tensors of the same kind have.
    """
    wholes = _by_whole(measured)
    found: list[Match] = []
    orders: dict[str, list[tuple[tuple[str, ...], list[Match]]]] = defaultdict(list)
    for parts in wholes:
        names = [_part(match) for match in parts]
        kinds = [_DIGITS.sub("*", name) for name in names]
        if len(set(kinds)) == 1:
            found += _unsorted(parts, names)
        else:
            found += _unsorted_kinds(parts, names, kinds)
            orders[_DIGITS.sub("*", _whole(parts[0]))].append((tuple(kinds), parts))
    for group in orders.values():
        found += _unusual(group)
    return list({id(match): match for match in found}.values())


def _by_whole(measured: Sequence[Measured]) -> Iterator[list[Match]]:
    """The parts of each joined tensor, as they follow one another."""
    wholes: dict[int, list[Match]] = defaultdict(list)
    for m in measured:
        rows = m.match.rows
        if rows is not None and not rows.scattered:
            wholes[id(m.match.new if rows.whole_is_new else m.match.old)].append(m.match)
    for parts in wholes.values():
        if len(parts) > 1:
            yield sorted(parts, key=_place)


def _place(match: Match) -> tuple[int, int]:
    rows = match.rows
    return (rows.slice or 0, rows.start) if rows is not None else (0, 0)


def _part(match: Match) -> str:
    part = match.old if match.rows is not None and match.rows.whole_is_new else match.new
    return part.key


def _whole(match: Match) -> str:
    whole = match.new if match.rows is not None and match.rows.whole_is_new else match.old
    return whole.key


def _unsorted_kinds(
    parts: Sequence[Match], names: Sequence[str], kinds: Sequence[str]
) -> Iterator[Match]:
    """The same of each kind among them."""
    for kind in dict.fromkeys(kinds):
        at = [place for place, other in enumerate(kinds) if other == kind]
        yield from _unsorted([parts[place] for place in at], [names[place] for place in at])


def _unsorted(parts: Sequence[Match], names: Sequence[str]) -> Iterator[Match]:
    """Parts that do not follow the numbers in their names."""
    numbers = [tuple(int(digits[:18]) for digits in _DIGITS.findall(name)) for name in names]
    for part, number, wanted in zip(parts, numbers, sorted(numbers), strict=True):
        if number != wanted:
            yield part


def _unusual(group: Sequence[tuple[tuple[str, ...], list[Match]]]) -> Iterator[Match]:
    """Parts of tensors that are joined in another order than most of their kind."""
    usual, often = Counter(order for order, _ in group).most_common(1)[0]
    if len(group) < _FEWEST or 2 * often <= len(group):
        return
    for order, parts in group:
        if order != usual and sorted(order) == sorted(usual):
            places = zip(parts, order, usual, strict=True)
            yield from (part for part, kind, wanted in places if kind != wanted)
