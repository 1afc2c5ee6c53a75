"""Where pickles begin in a NumPy array's file, whatever its header says."""

from __future__ import annotations

from collections.abc import Iterator

MAGIC = b"\x93NUMPY"


def pickle_offsets(view: memoryview) -> Iterator[int]:
    """Offsets behind the header of an array, which may be one of objects; () for other bytes."""
    if bytes(view[: len(MAGIC)]) != MAGIC or len(view) < 12:
        return
    narrow = int.from_bytes(view[8:10], "little")
    wide = int.from_bytes(view[8:12], "little")
    yield from (at for at in (10 + narrow, 12 + wide) if at < len(view))
