"""Names that may come more than once, told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def unique(names: Sequence[str]) -> list[str]:
    """The names, numbered where one comes again: "fc", "fc#2"."""
    taken: set[str] = set()
    copies: Counter[str] = Counter()
    result = []
    for name in names:
        candidate = name
        while candidate in taken:
            copies[name] += 1
            candidate = f"{name}#{copies[name] + 1}"
        taken.add(candidate)
        result.append(candidate)
    return result
