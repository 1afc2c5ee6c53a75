"""The protobuf wire format: tags, lengths and varints over a view, nothing decoded.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from typing import NamedTuple

VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32 = range(6)
MAX_GROUPS = 64
"""Groups inside groups."""
MAX_GROUP_FIELDS = 10_000
"""Fields inside a group: nothing writes groups into models, and text can begin like one."""
_FIXED_SIZE = {FIXED64: 8, FIXED32: 4}


class WireError(ValueError):
    """Bytes that are no protobuf message.

    Args:
        message: what is wrong.
        offset: byte offset of the fault.
        missing: how many bytes the field needs beyond the end; 0 for other faults.
    """

    def __init__(self, message: str, offset: int, missing: int = 0) -> None:
        super().__init__(message)
        self.offset = offset
        self.missing = missing


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: field number.
        wire: wire type: `VARINT`, `FIXED64`, `BYTES`, `GROUP` or `FIXED32`.
        tag: offset of its tag.
        start: offset of its payload (for `BYTES`, after the length).
        end: offset just past its payload (for `GROUP`, past the tag that ends it).
    """

    number: int
    wire: int
    tag: int
    start: int
    end: int


def read_varint(view: memoryview, position: int, end: int) -> tuple[int, int]:
    """A varint's value and the offset just past it.

    Raises:
        WireError: it does not end before `end`, or is longer than ten bytes.
    """
    value = 0
    for index in range(min(10, end - position)):
        byte = view[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    if end - position < 10:
        raise WireError("a number is cut off", position, missing=1)
    raise WireError("a number is longer than ten bytes", position)


def write_varint(value: int) -> bytes:
    """The shortest encoding of a non-negative number."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_field(view: memoryview, position: int, end: int) -> Field:
    """The field whose tag is at `position`, in a message that ends at `end`, later than that.

    Raises:
        WireError: there is no valid field, or it reaches past `end`.
    """
    number, wire, start = _read_tag(view, position, end)
    if wire == VARINT:
        return Field(number, wire, position, start, read_varint(view, start, end)[1])
    if wire == BYTES:
        length, start = _read_length(view, start, end)
    elif wire in _FIXED_SIZE:
        length = _FIXED_SIZE[wire]
    elif wire == GROUP:
        return Field(number, wire, position, start, _end_of_group(view, number, start, end))
    else:
        raise WireError(f"field {number} has the impossible wire type {wire}", position)
    if length > end - start:
        missing = length - (end - start)
        raise WireError(f"field {number} is {missing:,} bytes short", position, missing)
    return Field(number, wire, position, start, start + length)


def _read_tag(view: memoryview, position: int, end: int) -> tuple[int, int, int]:
    tag, start = view[position], position + 1
    if tag >= 0x80:
        tag, start = read_varint(view, position, end)
    number = tag >> 3
    if not 0 < number < 1 << 29:
        raise WireError(f"field number {number} is not valid", position)
    return number, tag & 7, start


def _end_of_group(view: memoryview, number: int, position: int, end: int) -> int:
    """Offset just past the tag that ends a group; protobuf skips what is in one."""
    open_groups, fields = [number], 0
    while position < end:
        fields += 1
        inner, wire, start = _read_tag(view, position, end)
        if wire == GROUP:
            open_groups.append(inner)
            position = start
        elif wire == GROUP_END and inner == open_groups[-1]:
            open_groups.pop()
            position = start
        else:
            position = read_field(view, position, end).end
        if not open_groups:
            return position
        if len(open_groups) > MAX_GROUPS:
            raise WireError(f"groups are nested more than {MAX_GROUPS} deep", position)
        if fields > MAX_GROUP_FIELDS:
            raise WireError(f"a group has more than {MAX_GROUP_FIELDS:,} fields", position)
    raise WireError(f"group {number} does not end", position, missing=1)


def _read_length(view: memoryview, start: int, end: int) -> tuple[int, int]:
    if start < end and view[start] < 0x80:  # the common case, without a loop
        return view[start], start + 1
    return read_varint(view, start, end)
