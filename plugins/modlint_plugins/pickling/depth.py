"""Tuples as keys: how deep they are nested, and whether they can be hashed at all.

Hashing a deep one overflows the stack of the program that loads it.
"""

from __future__ import annotations

from modlint_plugins.pickling.values import Dict, Set, Value


class Depths:
    """Depths of tuples, each found once and kept alive, so that its identity stays its own."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Value, int, bool]] = {}

    def of(self, value: tuple[Value, ...]) -> int:
        """Levels of tuples within a tuple, itself included."""
        return self._measured(value)[1]

    def hashable(self, value: Value) -> bool:
        """Whether a value can be a key, as far as its type tells."""
        return self._measured(value)[2] if isinstance(value, tuple) else _hashable(value)

    def _measured(self, value: tuple[Value, ...]) -> tuple[Value, int, bool]:
        pending = [value]
        while pending:
            current = pending[-1]
            parts = [part for part in current if isinstance(part, tuple)]
            missing = [part for part in parts if id(part) not in self._known]
            if missing:
                pending.extend(missing)
                continue
            pending.pop()
            deepest = max((self._known[id(part)][1] for part in parts), default=0)
            plain = all(_hashable(part) for part in current)
            whole = plain and all(self._known[id(part)][2] for part in parts)
            self._known[id(current)] = current, deepest + 1, whole
        return self._known[id(value)]


def _hashable(value: Value) -> bool:
    return not isinstance(value, (list, Dict)) and not (isinstance(value, Set) and not value.frozen)
