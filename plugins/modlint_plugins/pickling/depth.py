"""Tuples as keys: how deep they are nested, whether they can be hashed, what hashing may call.

Hashing a deep one overflows the stack of the program that loads it.
"""

from __future__ import annotations

from typing import NamedTuple

from modlint_plugins.pickling.values import Dict, Object, Set, Value


class _Measure(NamedTuple):
    """What was found out about a tuple, and the tuple."""

    value: Value
    depth: int
    hashable: bool
    calls: bool


class Depths:
    """Depths of tuples, each found once and kept alive, so that its identity stays its own."""

    def __init__(self) -> None:
        self._known: dict[int, _Measure] = {}

    def of(self, value: tuple[Value, ...]) -> int:
        """Levels of tuples within a tuple, itself included."""
        return self._measured(value).depth

    def hashable(self, value: Value) -> bool:
        """Whether a value can be a key, as far as its type tells."""
        return self._measured(value).hashable if isinstance(value, tuple) else _hashable(value)

    def calls(self, value: Value) -> bool:
        """Whether hashing a value may call a method of an instance within it."""
        return self._measured(value).calls if isinstance(value, tuple) else _calls(value)

    def _measured(self, value: tuple[Value, ...]) -> _Measure:
        if id(value) in self._known:
            return self._known[id(value)]
        pending = [value]
        while pending:
            current = pending[-1]
            parts = [part for part in current if isinstance(part, tuple)]
            missing = [part for part in parts if id(part) not in self._known]
            if missing:
                pending.extend(missing)
                continue
            pending.pop()
            self._known[id(current)] = self._of_parts(current)
        return self._known[id(value)]

    def _of_parts(self, value: tuple[Value, ...]) -> _Measure:
        depth, hashable, calls = 0, True, False
        for part in value:
            if isinstance(part, tuple):
                known = self._known[id(part)]
                depth = max(depth, known.depth)
                hashable, calls = hashable and known.hashable, calls or known.calls
            else:
                hashable, calls = hashable and _hashable(part), calls or _calls(part)
        return _Measure(value, depth + 1, hashable, calls)


def _calls(value: Value) -> bool:
    return isinstance(value, (Object, Set))


def _hashable(value: Value) -> bool:
    return not isinstance(value, (list, Dict)) and not (isinstance(value, Set) and not value.frozen)
