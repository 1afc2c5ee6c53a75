"""A run of bytes: the unit that the sweep looks at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Run:
    """Bytes that belong together: a file, a member of an archive, a literal of a pickle.

    Attributes:
        view: the bytes.
        member: how they are called in reports, as in `PickleTrace.member`; None for the file.
        name: their path in what holds them, or the file's name.
        origin: offset of the first byte in the file; None where the file does not hold them so.
        siblings: paths of everything in the same container.
        depth: number of containers around them.
    """

    view: memoryview
    member: str | None
    name: str
    origin: int | None
    siblings: Collection[str] = field(default=())
    depth: int = 0
