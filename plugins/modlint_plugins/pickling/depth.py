"""How deep tuples are nested: hashing one overflows the stack of the program that loads it."""

from __future__ import annotations

from modlint_plugins.pickling.values import Value


class Depths:
    """Depths of tuples, each found once and kept alive, so that its identity stays its own."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Value, int]] = {}

    def of(self, value: tuple[Value, ...]) -> int:
        """Levels of tuples within a tuple, itself included."""
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
            self._known[id(current)] = current, deepest + 1
        return self._known[id(value)][1]
