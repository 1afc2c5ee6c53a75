"""The JSON header of a safetensors file, parsed in bounded memory.

The parser walks the header's members one by one, so that a duplicate name is seen, one wrong
member is named, and a hostile header cannot grow beyond a small multiple of its own size.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct

from modlint.checkpoint import Remark
from modlint.errors import UnreadableError

MAX_HEADER = 100_000_000
"""Bytes that a header may have, as in the reference implementation."""

MAX_TENSORS = 100_000
"""Tensors that a header may name; each takes about 30 µs and 1 kB to read."""

_METADATA = "__metadata__"
_MAX_METADATA = 16_000_000
_MAX_STRINGS = 100_000
_MAX_SIZE = 1 << 62
_SPACE = re.compile(r"[ \t\r\n]*")
_TENSOR = re.compile(r"\{[^{}]{0,4096}\}")
_HELP = "write the file again with safetensors, or download it again"


class Entry(Struct, frozen=True):
    """One tensor of the header; `begin` and `end` count bytes from the start of the data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def what(self) -> str:
        """How messages call it."""
        return f"tensor {self.name!r}"


class Header(Struct, frozen=True):
    """A parsed header.

    Attributes:
        entries: the tensors, in the header's order; of a name given twice the first.
        metadata: the strings beside them, bounded.
        duplicates: names given more than once.
        remarks: what was left out.
    """

    entries: tuple[Entry, ...]
    metadata: Mapping[str, str]
    duplicates: tuple[str, ...]
    remarks: tuple[Remark, ...]


class _Duplicate(ValueError):
    """A JSON object names a key twice."""


def parse_header(header: memoryview) -> Header:
    """Parse a header.

    Raises:
        UnreadableError: it is not UTF-8, not JSON, or a member is not what the format asks for.
    """
    try:
        text = str(header, "utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(f"its header is not UTF-8 at byte {error.start:,}", error.start) from error
    entries: dict[str, Entry] = {}
    metadata: dict[str, str] | None = None
    duplicates = []
    for name, value, position in _members(text):
        if name in entries or (name == _METADATA and metadata is not None):
            duplicates.append(name)
        elif name == _METADATA:
            metadata = _metadata(value, position)
        elif len(entries) >= MAX_TENSORS:
            raise _refusal(f"its header names more than {MAX_TENSORS:,} tensors", position)
        else:
            entries[name] = _entry(name, value, position)
    kept, remarks = _bounded(metadata or {})
    return Header(tuple(entries.values()), kept, tuple(duplicates), remarks)


def _members(text: str) -> Iterator[tuple[str, Any, int]]:
    """Each member of the outermost object, with the position of its value."""
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise _refusal("its header is no JSON object", at)
    at = _skip(text, at + 1)
    more = text[at : at + 1] != "}"
    while more:
        name, at = _name(text, at)
        at = _expect(text, at, ":")
        value, end = _value(name, text, at)
        yield name, value, at
        at = _skip(text, end)
        more = text[at : at + 1] == ","
        if more:
            at = _skip(text, at + 1)
    if _expect(text, at, "}") != len(text):
        raise _refusal("its header goes on after the JSON object", at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, character: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != character:
        raise _refusal(f"its header is no JSON: no {character!r} where one belongs", at)
    return _skip(text, at + 1)


def _name(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise _refusal("its header is no JSON: no name where one belongs", at)
    try:
        name, end = _DECODER.raw_decode(text, at)
        name.encode("utf-8")  # refuses a lone surrogate
    except ValueError as error:
        raise _refusal("its header is no JSON: a name is no valid string", at) from error
    return name, end


def _value(name: str, text: str, at: int) -> tuple[Any, int]:
    if name == _METADATA:
        value, end = _decode(name, text[at : at + _MAX_METADATA], 0, at)
        return value, at + end
    if not _TENSOR.match(text, at):
        raise _refusal(f"its header does not describe the tensor {_short(name)}", at)
    return _decode(name, text, at, at)


def _decode(name: str, text: str, at: int, position: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except _Duplicate as error:
        raise _refusal(f"its header gives {error} twice in {_short(name)}", position) from error
    except (ValueError, RecursionError) as error:
        what = f"its header holds no JSON, or more than {_MAX_METADATA:,} characters of it"
        raise _refusal(f"{what}, in {_short(name)}", position) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique: dict[str, Any] = {}
    for name, value in pairs:
        if name in unique:
            raise _Duplicate(_short(name))
        unique[name] = value
    return unique


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _entry(name: str, value: Any, position: int) -> Entry:
    match value:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]} if all(
            type(size) is int and 0 <= size < _MAX_SIZE for size in (*shape, begin, end)
        ):
            return Entry(name, dtype, tuple(shape), begin, end)
    raise _refusal(
        f"its header gives no dtype, shape and data_offsets for {_short(name)}", position
    )


def _metadata(value: Any, position: int) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return value
    raise _refusal(f"its header's {_METADATA} holds something other than strings", position)


def _bounded(metadata: dict[str, str]) -> tuple[dict[str, str], tuple[Remark, ...]]:
    kept = {_clean(name): _clean(text) for name, text in islice(metadata.items(), _MAX_STRINGS)}
    if len(metadata) <= _MAX_STRINGS:
        return kept, ()
    message = f"of its metadata's {len(metadata):,} strings the first {_MAX_STRINGS:,} were read"
    return kept, (Remark("metadata-cut", message),)


def _clean(text: str) -> str:
    """The text with lone surrogates replaced: they cannot be printed."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:80] + "…")


def _refusal(what: str, position: int) -> UnreadableError:
    """Positions are characters of the header, which starts at byte 8."""
    return UnreadableError(f"is no valid safetensors file: {what}", help=_HELP, offset=8 + position)
