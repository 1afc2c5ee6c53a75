"""The paths that the user names; `-` stands for a list on stdin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def named(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths, with those on stdin in the place of `-`."""
    for path in paths:
        if str(path) == "-":
            yield from _listed(sys.stdin.buffer.read())
        else:
            yield path


def _listed(data: bytes) -> Iterator[Path]:
    r"""Paths, one a line, or ended by NUL as `find -print0` and `git ls-files -z` do."""
    lines = data.split(b"\0") if b"\0" in data else data.splitlines()
    return (Path(os.fsdecode(line)) for line in lines if line.strip())
