"""Remarks and faults as they are gathered: bounded for each kind, so that none hides another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from modlint.checkpoint import Remark
from modlint.signatures import LONGEST, signature

MAX_OF_A_KIND = 200
"""Remarks of one kind that are kept; kinds are few, and none comes from a file."""


class Remarks:
    """Different remarks, in order, at most `MAX_OF_A_KIND` of each kind."""

    def __init__(self) -> None:
        self._kept: dict[Remark, None] = {}
        self._counts: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Remark]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, remark: Remark) -> None:
        """Keep a remark, as long as there are not too many of its kind."""
        if self._counts[remark.kind] < MAX_OF_A_KIND and remark not in self._kept:
            self._counts[remark.kind] += 1
            self._kept[remark] = None

    def update(self, remarks: Iterable[Remark]) -> None:
        """Keep each of several."""
        for remark in remarks:
            self.add(remark)


def unused(
    view: memoryview, kind: str, what: str, start: int, end: int, member: str | None = None
) -> Remark:
    """A remark on bytes that nothing refers to; of its own kind where a program begins there."""
    message = f"{end - start:,} bytes {what}"
    program = signature(view[start : min(start + LONGEST, end)])
    if program is None:
        return Remark(kind, message, member, start)
    return Remark("hidden-program", f"{message}: {program}", member, start)
