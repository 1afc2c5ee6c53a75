"""What torch.compile keeps of its work in one file, which `load_cache_artifacts` takes apart.

A checksum, a version, and by kind the artifacts, most of them pickles of compiled code.
Source: torch 2.13, `utils/_appending_byte_serializer.py` and `compiler/_cache.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from modlint.errors import UnreadableError

_CHECKSUM = 4
_WORD = 8
_START = (1).to_bytes(_WORD, "big")
"""The version behind the checksum."""
_MOST = 10_000
"""Artifacts that are taken apart."""


class Artifact(NamedTuple):
    """Where the content of one artifact lies."""

    start: int
    end: int


def artifacts(view: memoryview) -> tuple[Artifact, ...]:
    """Every artifact of a file, () for any other file.

    Raises:
        UnreadableError: it holds too many.
    """
    at = _CHECKSUM + _WORD
    if bytes(view[_CHECKSUM:at]) != _START:
        return ()
    found: list[Artifact] = []
    while at < len(view):
        at = _skip(view, at)
        count, at = _number(view, at), at + _WORD
        if not 0 <= count <= len(view):
            return ()
        if len(found) + count > _MOST:
            raise UnreadableError(f"holds more than {_MOST:,} artifacts of torch.compile")
        for _ in range(count):
            at = _skip(view, at)
            start, at = at + _WORD, _skip(view, at)
            if at > len(view):
                return ()
            found.append(Artifact(start, at))
    return tuple(found) if at == len(view) else ()


def _number(view: memoryview, at: int) -> int:
    """The number at an offset, −1 behind the end."""
    data = view[at : at + _WORD]
    return int.from_bytes(data, "big") if len(data) == _WORD else -1


def _skip(view: memoryview, at: int) -> int:
    """Where what has its length before it ends; beyond the end where it is none."""
    length = _number(view, at)
    return at + _WORD + length if 0 <= length <= len(view) else len(view) + 1
