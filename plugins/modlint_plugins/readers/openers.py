"""Who opens what lies within a container.

The package of the readers says so when it is imported: no reader imports all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from modlint.reader import Reader

_offers: list[Callable[[], Iterable[Reader]]] = []


def offer(readers: Callable[[], Iterable[Reader]]) -> None:
    """Have these readers open what lies within containers."""
    _offers.append(readers)


def inner_readers() -> tuple[Reader, ...]:
    """The readers that were offered, made anew."""
    return tuple(reader for readers in _offers for reader in readers())
