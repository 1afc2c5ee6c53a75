"""The header of a GGUF file, read in bounded time and memory.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct, field

from modlint.checkpoint import Remark
from modlint_plugins.archives.gguf_words import STRING, misstated

MAGIC = b"GGUF"
VERSIONS = (2, 3)

_MAX_PAIRS = 65_536
_MAX_ELEMENTS = 8_000_000
_MAX_KEY = 65_535
_MAX_TEXT = 16 << 20
_MAX_DEPTH = 4
_KEPT = 1000
_STRING, _ARRAY = STRING, 9
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
_MAX_TENSORS = 1_000_000
_MAX_NAME = 1024
_MAX_AXES = 4
"""GGML_MAX_DIMS: older loaders write the sizes of more past the end of a table."""
_ALIGNMENT = "general.alignment"
_DEFAULT_ALIGNMENT = 32
_BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    30: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    20: (32, 18),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    29: (256, 56),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
}
"""Elements and bytes of a block, by the number of a type (gguf, constants.py)."""
_TYPES = range(256)
"""Numbers that a type may have: older loaders look any number up in a table."""
_WITHDRAWN = frozenset({4, 5})
"""Types of the first releases, of which the table has no size: loaders divide by it."""
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
        arrays: of each array, the kind of its elements and how many there are.
    """

    version: int = 0
    tensors: int = 0
    metadata: dict[str, object] = field(default_factory=dict)
    texts: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)
    arrays: dict[str, tuple[int, int]] = field(default_factory=dict)


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
        for what in misstated(self._header):
            raise _DamageError(what, self._at)
        self._tensors()

    def _tensors(self) -> None:
        """Make sure that every tensor lies in the file, as loaders believe without a look."""
        alignment = self._header.metadata.get(_ALIGNMENT, _DEFAULT_ALIGNMENT)
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            raise _DamageError(f"its alignment is {str(alignment)[:40]}", self._at)
        extents = []
        for count in range(self._header.tensors):
            if count >= _MAX_TENSORS:
                raise _DamageError(f"it names more than {_MAX_TENSORS:,} tensors", self._at)
            extents.append(self._tensor())
        begin = -(-self._at // alignment) * alignment
        for at, offset, nbytes in extents:
            if begin + offset + nbytes > len(self._view) or offset % alignment:
                raise _DamageError(
                    "a tensor lies beyond the end of the file, or between places", at
                )

    def _tensor(self) -> tuple[int, int, int]:
        """Where a tensor's entry is, its offset among the data, and its bytes."""
        begin = self._at
        name = self._text(_MAX_NAME)
        axes = int(self._number("I"))
        if axes > _MAX_AXES:
            raise _DamageError(f"tensor {name[:80]!r} has {axes:,} axes", begin)
        elements = 1
        for _ in range(axes):
            elements *= int(self._number("Q"))
        kind, offset = int(self._number("I")), int(self._number("Q"))
        if kind not in _TYPES or kind in _WITHDRAWN:
            raise _DamageError(f"tensor {name[:80]!r} has the unknown type {kind:,}", begin)
        block, nbytes = _BLOCKS.get(kind, (256, 1))
        if elements >= 1 << 62:
            raise _DamageError(f"tensor {name[:80]!r} has {elements:,} elements", begin)
        return begin, offset, elements // block * nbytes

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
        if depth == 0:
            self._header.arrays.setdefault(key, (kind, length))
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
