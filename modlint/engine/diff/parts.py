"""Tensors that were joined or split: q, k and v in one, gate and up, experts in a stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from modlint.analysis.base import Array
from modlint.analysis.matching import constant, find_rows, find_run, free_places, scattered
from modlint.engine.diff.match import Match, Matching, Rows
from modlint.engine.diff.sides import Logical
from modlint.errors import Unavailable, UnreadableError

MOST_SLICES = 1024
"""Matrices of a stack that are looked at one by one."""
MOST_SCATTERED = 1 << 20
"""Elements of a whole in which single elements are looked for."""
MOST_PARTS = 4096
"""Leftover tensors that are looked for in others."""
_LEAST = 4
"""Elements of a vector that is looked for."""
_ACROSS = ((False, False), (False, True), (True, True), (True, False))
"""Whether the whole, and the part, are read transposed."""
_COVERED = 0.5
"""Share of a whole that its parts must make up."""


class _Plane(Struct, frozen=True, eq=False):
    """A matrix in which parts are looked for."""

    values: Array
    slice: int | None


def match_parts(matching: Matching) -> None:
    """Match what is left of one side to stretches of what is left of the other."""
    for whole_is_new in (True, False):
        wholes = matching.new if whole_is_new else matching.old
        for whole in sorted(wholes, key=lambda tensor: -tensor.elements)[:MOST_PARTS]:
            parts = matching.old if whole_is_new else matching.new
            smaller = [p for p in parts if 0 < p.elements <= whole.elements and p.kind == "float"]
            if whole.kind == "float" and smaller:
                matching.take(_parts_of(whole, smaller[:MOST_PARTS], whole_is_new))


def _parts_of(whole: Logical, parts: Sequence[Logical], whole_is_new: bool) -> list[Match]:
    """The parts that make up a whole, or half of it."""
    try:
        values = whole.array().reshape(-1) if _vector(whole) else whole.array()
        if values.ndim == 1:
            found = _in_vector(whole, values, [p for p in parts if _vector(p)], whole_is_new)
        else:
            found = _in_planes(whole, values, parts, whole_is_new)
            found = found or _scattered(whole, values, parts, whole_is_new)
    except (Unavailable, UnreadableError):
        return []
    covered = sum((p.old if whole_is_new else p.new).elements for p in found)
    return found if covered >= _COVERED * whole.elements else []


def _vector(tensor: Logical) -> bool:
    return sum(size != 1 for size in tensor.shape) <= 1


def _in_vector(
    whole: Logical, values: Array, parts: Sequence[Logical], whole_is_new: bool
) -> list[Match]:
    free, found = free_places(len(values)), []
    for part in parts:
        if part.elements < _LEAST or not free.any():
            continue
        elements = part.array().reshape(-1)
        if constant(elements):
            continue
        start = find_run(values, elements, free)
        if start is not None:
            free[start : start + part.elements] = False
            rows = Rows(start, start + part.elements, whole_is_new)
            found.append(_match(whole, part, rows))
        elif scattered(values, elements):
            rows = Rows(0, part.elements, whole_is_new, scattered=True)
            found.append(_match(whole, part, rows))
    return found


def _in_planes(
    whole: Logical, values: Array, parts: Sequence[Logical], whole_is_new: bool
) -> list[Match]:
    found: list[Match] = []
    for plane in _planes(values):
        left = [part for part in parts if all(part not in (m.old, m.new) for m in found)]
        for whole_across, part_across in _ACROSS:
            placed = _in_plane(plane, left, whole_across=whole_across, part_across=part_across)
            for part, start, stop in placed:
                order = start is None
                where = Rows(
                    start or 0, stop, whole_is_new, whole_across, part_across, plane.slice, order
                )
                found.append(_match(whole, part, where))
            if placed:
                break
    return found


def _planes(values: Array) -> Iterator[_Plane]:
    if values.ndim == 3:
        yield from (_Plane(values[i], i) for i in range(min(len(values), MOST_SLICES)))
    else:
        yield _Plane(matrix(values, across=False), None)


def _in_plane(
    plane: _Plane, parts: Sequence[Logical], *, whole_across: bool, part_across: bool
) -> list[tuple[Logical, int | None, int]]:
    """The parts that lie in a matrix, with their first row and the one behind the last.

    The first row is None of those whose rows are there in another order.
    """
    if plane.values.ndim != 2:
        return []
    whole = plane.values.T if whole_across else plane.values
    fitting = [(p, m) for p in parts if (m := _fitting(p, whole, part_across)) is not None]
    if not fitting:
        return []
    placed: list[tuple[Logical, int | None, int]] = []
    free = free_places(len(whole))
    found = find_rows(whole, [m for _, m in fitting])
    for (part, rows), (start, elsewhere) in zip(fitting, found, strict=True):
        if elsewhere:
            placed.append((part, None, len(rows)))
        elif start is not None and free[start : start + len(rows)].all():
            free[start : start + len(rows)] = False
            placed.append((part, start, start + len(rows)))
    return placed


def _scattered(
    whole: Logical, values: Array, parts: Sequence[Logical], whole_is_new: bool
) -> list[Match]:
    """Vectors whose elements stand somewhere in a stack of vectors, as biases of gates do."""
    if whole.elements > MOST_SCATTERED:
        return []
    flat = values.reshape(-1)
    vectors = [part for part in parts if _vector(part) and part.elements >= _LEAST]
    arrays = [(part, part.array().reshape(-1)) for part in vectors]
    return [
        _match(whole, part, Rows(0, part.elements, whole_is_new, scattered=True))
        for part, elements in arrays
        if not constant(elements) and scattered(flat, elements)
    ]


def _fitting(part: Logical, whole: Array, across: bool) -> Array | None:
    """The part as a matrix, where it is as wide as the whole and no higher."""
    if len(part.shape) < 2:
        return None
    width = part.shape[0] if across else part.elements // part.shape[0]
    if width != whole.shape[1] or part.elements > whole.size:
        return None
    if across and len(part.shape) != 2:
        return None
    return matrix(part.array(), across=across)


def _match(whole: Logical, part: Logical, rows: Rows) -> Match:
    old, new = (part, whole) if rows.whole_is_new else (whole, part)
    return Match(old, new, by="content", rows=rows)


def matrix(values: Array, *, across: bool) -> Array:
    """A tensor as a matrix: its first axis, and all others together; or that transposed."""
    flat: Any = values if values.ndim == 2 else values.reshape(values.shape[0], -1)
    return flat.T if across else flat
