"""How much memory checks may take together, and about how much one takes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from modlint.file_names import is_index

BASE = 400 << 20
"""Bytes that a worker takes for itself, with what it computes with."""
_TIMES = 2
"""How many times over a file may be held: as it is, and as it is parsed or converted."""
_SHARE = 0.8
"""Of the memory that is free."""
_UNKNOWN = 4 << 30
_CGROUP = Path("/sys/fs/cgroup")


def needed(path: Path) -> int:
    """Bytes that the check of a file may take; that of an index reads its folder's shards."""
    return BASE + _TIMES * (_largest_beside(path) if is_index(path) else size_of(path))


def size_of(path: Path) -> int:
    """Size of a file in bytes, 0 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (follows links; Path.stat does no more)
    except (OSError, ValueError):
        return 0


def available() -> int:
    """Bytes that may be taken: a share of what is free, on the machine and in its container."""
    return int(_SHARE * min(_of_machine(), _of_container()))


def _of_machine() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return _UNKNOWN


def _of_container() -> int:
    with contextlib.suppress(OSError, ValueError):
        limit = int((_CGROUP / "memory.max").read_text("ascii"))
        held = int((_CGROUP / "memory.current").read_text("ascii"))
        return max(0, limit - held + _reclaimable())
    return 1 << 62


def _reclaimable() -> int:
    for line in (_CGROUP / "memory.stat").read_text("ascii").splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def _largest_beside(path: Path) -> int:
    """Size of the largest file beside one: shards are read one by one."""
    try:
        with os.scandir(path.parent) as entries:
            return max((entry.stat().st_size for entry in entries if entry.is_file()), default=0)
    except OSError:
        return 0
