"""Keys whose hashes are alike: a mapping of many of them takes a time that grows with their square.

Hashes of texts and bytes are salted, those of numbers and of tuples of numbers are known to whoever
writes the file: `hash(n)` is n modulo 2^61 − 1. Source: CPython, Python/pyhash.c,
Objects/tupleobject.c, `tuple_hash`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from modlint_plugins.pickling.limits import Budget
from modlint_plugins.pickling.values import Dict, Global, Object, Set, Value

MODULUS = (1 << 61) - 1
"""What hashes of numbers are reduced by; smaller ones are their own."""
MOST = 2_000
"""Different keys of one hash that a healthy mapping never comes near."""

_KEPT = 1_000_000
_PARTS = 10_000
_FEW = 8
_DEEPEST = 100
_DIGITS = re.compile(r"[+-]?\d{1,60}")
_RATIO = re.compile(r"[+-]?\d{1,60}(?:/0*[1-9]\d{0,60})?")
_HEX = re.compile(r"[0-9a-fA-F]{32}")
_NUMBERS = (int, float, complex, type(None))


class Alike:
    """Counts different keys by their hash, as far as a file can know it.

    Attributes:
        flooded: more than `MOST` keys have one hash.
    """

    def __init__(self) -> None:
        self.flooded = False
        self._first: dict[int, Value] = {}
        self._others: dict[int, set[Value]] = {}
        self._sizes: dict[int, tuple[tuple[Value, ...], int]] = {}

    def add(self, key: Value, budget: Budget) -> bool:
        """Count a key in; whether it is the first beyond the limit."""
        plain = None if self.flooded else self._plain(key, budget)
        if plain is None:
            return False
        value = hash(plain)
        if len(self._first) >= _KEPT:
            self._first.clear()
        first = self._first.setdefault(value, plain)
        if first == plain:
            return False
        others = self._others.setdefault(value, set())
        others.add(plain)
        self.flooded = len(others) > MOST
        return self.flooded

    def _plain(self, key: Value, budget: Budget) -> Value:
        """A value of Python's own with the key's hash; None where that is salted, or its own."""
        if isinstance(key, Object):
            key = _number(key) or key.args
        if isinstance(key, int):
            return key if abs(key) >= MODULUS else None
        if isinstance(key, (float, complex, Fraction)):
            return key
        held = tuple(key.items) if isinstance(key, Set) else key
        if not isinstance(held, tuple) or not 0 < (parts := self._parts(held)) <= _PARTS:
            return None
        budget.spend_opcodes(parts)
        return frozenset(held) if isinstance(key, Set) else held

    def _parts(self, values: tuple[Value, ...], depth: int = 0) -> int:
        """Numbers and tuples that hashing takes; more than `_PARTS` where anything else is held.

        What is held twice is hashed twice.
        """
        if (known := self._sizes.get(id(values))) is not None:
            return known[1]
        if depth > _DEEPEST:
            return _PARTS + 1
        count, nested = len(values), False
        for part in values:
            if count > _PARTS:
                break
            if isinstance(part, tuple):
                nested = True
                count += self._parts(part, depth + 1)
            elif not isinstance(part, _NUMBERS):
                count = _PARTS + 1
        if nested or len(values) > _FEW:
            self._sizes[id(values)] = (values, count)
        return count


def _number(key: Object) -> int | Fraction | None:
    """The number that a call makes, None for any other."""
    if not isinstance(key.function, Global) or not isinstance(key.args, tuple):
        return None
    text = key.args[0] if key.args and isinstance(key.args[0], str) else ""
    match key.function.name:
        case "UUID":
            digits = text.replace("-", "").strip("{}")
            return int(digits, 16) if _HEX.fullmatch(digits) else _stated(key.state)
        case "Decimal" if _DIGITS.fullmatch(text):
            return int(text)
        case "Fraction" if _RATIO.fullmatch(text):
            return Fraction(text)
        case "Fraction" if len(key.args) == 2 and all(isinstance(n, int) for n in key.args):
            return Fraction(*key.args) if key.args[1] else None
    return None


def _stated(state: Value) -> int | None:
    """The number of an UUID that BUILD set."""
    pairs = state.pairs if isinstance(state, Dict) else ()
    return next((n for name, n in pairs if name == "int" and isinstance(n, int)), None)
