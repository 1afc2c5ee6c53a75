"""The header of a GGUF file, read in bounded time and memory.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct, field

from modlint.checkpoint import Remark

MAGIC = b"GGUF"
VERSIONS = (2, 3)

_MAX_PAIRS = 65_536
_MAX_ELEMENTS = 8_000_000
_MAX_KEY = 65_535
_MAX_TEXT = 16 << 20
_MAX_DEPTH = 4
_KEPT = 1000
_STRING, _ARRAY = 8, 9
_FORMATS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_HELP = "download it again"


class _DamageError(ValueError):
    """What is wrong, and at which byte."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


class Header(Struct):
    """What a header says.

    Attributes:
        version: of the format.
        tensors: how many tensors the file holds.
        metadata: values by key; of an array its values where they are few, else their number.
        texts: every text, those of short arrays too, with its key.
        faults: what is wrong with it.
    """

    version: int = 0
    tensors: int = 0
    metadata: dict[str, object] = field(default_factory=dict)
    texts: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)


def read_header(view: memoryview) -> Header:
    """Read a header; what is damaged ends it and is a fault, never an exception."""
    header = Header()
    try:
        _Reading(view, header).read()
    except _DamageError as error:
        message = f"has a damaged GGUF header: {error}"
        header.faults.append(Remark("damaged-header", message, offset=error.at, help=_HELP))
    return header


class _Reading:
    """A walk over the pairs of a header."""

    def __init__(self, view: memoryview, header: Header) -> None:
        self._view = view
        self._header = header
        self._at = 4
        self._order = "<"
        self._elements = 0

    def read(self) -> None:
        """Read the counts and every pair."""
        version = int(self._number("I"))
        if version & 0xFFFF == 0:  # written by a machine of the other byte order
            self._order = ">"
            version = int.from_bytes(version.to_bytes(4, "little"), "big")
        self._header.version = version
        if version not in VERSIONS:
            raise _DamageError(f"its version is {version}", 4)
        self._header.tensors = int(self._number("Q"))
        pairs = int(self._number("Q"))
        for count in range(pairs):
            if count >= _MAX_PAIRS:
                raise _DamageError(f"it holds more than {_MAX_PAIRS:,} pairs", self._at)
            self._pair()

    def _pair(self) -> None:
        begin = self._at
        key = self._text(_MAX_KEY)
        value = self._value(int(self._number("I")), 0, key)
        if key in self._header.metadata:
            fault = Remark("duplicate-key", f"the header names {key!r} twice", offset=begin)
            self._header.faults[-199:] = [*self._header.faults[-199:], fault]
        self._header.metadata.setdefault(key, value)

    def _value(self, kind: int, depth: int, key: str) -> object:
        if kind == _STRING:
            text = self._text(_MAX_TEXT)
            self._header.texts.append((key, text))
            return text
        if kind == _ARRAY:
            return self._array(depth, key)
        if kind not in _FORMATS:
            raise _DamageError(f"{key!r} has the unknown type {kind}", self._at - 4)
        return self._number(_FORMATS[kind])

    def _array(self, depth: int, key: str) -> object:
        begin = self._at
        kind, length = int(self._number("I")), int(self._number("Q"))
        if depth >= _MAX_DEPTH:
            raise _DamageError(f"{key!r} nests arrays too deeply", begin)
        if kind in _FORMATS:
            size = struct.calcsize(self._order + _FORMATS[kind])
            if length > _KEPT:
                self._skip(length * size, key)
                return f"{length:,} values"
            return [self._number(_FORMATS[kind]) for _ in range(length)]
        self._elements += length
        if self._elements > _MAX_ELEMENTS:
            raise _DamageError(f"{key!r} has {length:,} elements", begin)
        if kind == _STRING and length > _KEPT:
            for _ in range(length):
                self._skip(int(self._number("Q")), key)
            return f"{length:,} values"
        return [self._value(kind, depth + 1, key) for _ in range(length)]

    def _text(self, most: int) -> str:
        begin, length = self._at, int(self._number("Q"))
        if length > most:
            raise _DamageError(f"a text has {length:,} bytes, {most:,} are allowed", begin)
        data = self._view[self._at : self._at + length]
        self._skip(length, "a text")
        return str(data, "utf-8", "backslashreplace")

    def _number(self, format: str) -> int | float | bool:
        size = struct.calcsize(self._order + format)
        data = self._view[self._at : self._at + size]
        if len(data) < size:
            raise _DamageError("it ends early", len(self._view))
        self._at += size
        (value,) = struct.unpack(self._order + format, data)
        return value  # type: ignore[no-any-return]

    def _skip(self, length: int, what: str) -> None:
        if self._at + length > len(self._view):
            raise _DamageError(f"it ends within {what}", len(self._view))
        self._at += length


def shown(metadata: dict[str, object], most: int = 65_536) -> Iterator[tuple[str, object]]:
    """Metadata as reports hold it: texts within bounds."""
    for key, value in metadata.items():
        if isinstance(value, str) and len(value) > most:
            yield key, value[:most] + "…"
        else:
            yield key, value
