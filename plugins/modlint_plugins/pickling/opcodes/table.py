"""The pickle machine's opcodes, protocols 0 to 5, and how their arguments are laid out.

Names are those of CPython's Lib/pickletools.py; the layout follows Modules/_pickle.c.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from modlint_plugins.pickling.limits import LimitReached, Limits, Malformed

Decoder = Callable[[memoryview, int, Limits], tuple[Any, int]]
"""From the bytes and the argument's offset to the argument and the next opcode's offset."""

Span = tuple[int, int]
"""Start and stop of a counted argument; its bytes stay where they are."""

TRUNCATED = "the data ends in the middle of an opcode"


class Opcode(NamedTuple):
    """An opcode: its name, its byte, and the decoder of its argument, None where it has none."""

    name: str
    code: int
    decode: Decoder | None


def _fixed(layout: str) -> Decoder:
    """A number of fixed size."""
    number = struct.Struct(layout)

    def decode(view: memoryview, at: int, _: Limits) -> tuple[Any, int]:
        try:
            return number.unpack_from(view, at)[0], at + number.size
        except struct.error:
            raise Malformed(TRUNCATED) from None

    return decode


def _counted(layout: str) -> Decoder:
    """A length, then as many bytes: their `Span`."""
    length = _fixed(layout)

    def decode(view: memoryview, at: int, limits: Limits) -> tuple[Span, int]:
        nbytes, start = length(view, at, limits)
        if nbytes < 0:
            raise Malformed("a negative length")
        if nbytes > len(view) - start:
            raise Malformed(TRUNCATED)
        return (start, start + nbytes), start + nbytes

    return decode


def _line(view: memoryview, at: int, limits: Limits) -> tuple[bytes, int]:
    """Bytes up to a newline, which is left out.

    Where the data end before one, unpicklers take the rest and cut its last byte off all the same.
    """
    window = 64
    while True:
        window = min(4 * window, limits.copied_bytes)
        chunk = bytes(view[at : at + window])
        end = chunk.find(b"\n")
        if end >= 0:
            return chunk[:end], at + end + 1
        if len(chunk) < window and len(chunk) > 1:
            return chunk[:-1], at + len(chunk)
        if len(chunk) < window:
            raise Malformed(TRUNCATED)
        if window == limits.copied_bytes:
            raise LimitReached(f"a line of over {window:,} bytes")


def _two_lines(view: memoryview, at: int, limits: Limits) -> tuple[tuple[bytes, bytes], int]:
    first, at = _line(view, at, limits)
    second, at = _line(view, at, limits)
    return (first, second), at


_U1, _U2, _U4, _U8, _I4 = map(_fixed, ("<B", "<H", "<I", "<Q", "<i"))

_TABLE: tuple[tuple[str, bytes, Decoder | None], ...] = (
    ("INT", b"I", _line),
    ("BININT", b"J", _I4),
    ("BININT1", b"K", _U1),
    ("BININT2", b"M", _U2),
    ("LONG", b"L", _line),
    ("LONG1", b"\x8a", _counted("<B")),
    ("LONG4", b"\x8b", _counted("<i")),
    ("STRING", b"S", _line),
    ("BINSTRING", b"T", _counted("<i")),
    ("SHORT_BINSTRING", b"U", _counted("<B")),
    ("BINBYTES", b"B", _counted("<I")),
    ("SHORT_BINBYTES", b"C", _counted("<B")),
    ("BINBYTES8", b"\x8e", _counted("<Q")),
    ("BYTEARRAY8", b"\x96", _counted("<Q")),
    ("NEXT_BUFFER", b"\x97", None),
    ("READONLY_BUFFER", b"\x98", None),
    ("NONE", b"N", None),
    ("NEWTRUE", b"\x88", None),
    ("NEWFALSE", b"\x89", None),
    ("UNICODE", b"V", _line),
    ("SHORT_BINUNICODE", b"\x8c", _counted("<B")),
    ("BINUNICODE", b"X", _counted("<I")),
    ("BINUNICODE8", b"\x8d", _counted("<Q")),
    ("FLOAT", b"F", _line),
    ("BINFLOAT", b"G", _fixed(">d")),
    ("EMPTY_LIST", b"]", None),
    ("APPEND", b"a", None),
    ("APPENDS", b"e", None),
    ("LIST", b"l", None),
    ("EMPTY_TUPLE", b")", None),
    ("TUPLE", b"t", None),
    ("TUPLE1", b"\x85", None),
    ("TUPLE2", b"\x86", None),
    ("TUPLE3", b"\x87", None),
    ("EMPTY_DICT", b"}", None),
    ("DICT", b"d", None),
    ("SETITEM", b"s", None),
    ("SETITEMS", b"u", None),
    ("EMPTY_SET", b"\x8f", None),
    ("ADDITEMS", b"\x90", None),
    ("FROZENSET", b"\x91", None),
    ("POP", b"0", None),
    ("DUP", b"2", None),
    ("MARK", b"(", None),
    ("POP_MARK", b"1", None),
    ("GET", b"g", _line),
    ("BINGET", b"h", _U1),
    ("LONG_BINGET", b"j", _U4),
    ("PUT", b"p", _line),
    ("BINPUT", b"q", _U1),
    ("LONG_BINPUT", b"r", _U4),
    ("MEMOIZE", b"\x94", None),
    ("EXT1", b"\x82", _U1),
    ("EXT2", b"\x83", _U2),
    ("EXT4", b"\x84", _I4),
    ("GLOBAL", b"c", _two_lines),
    ("STACK_GLOBAL", b"\x93", None),
    ("REDUCE", b"R", None),
    ("BUILD", b"b", None),
    ("INST", b"i", _two_lines),
    ("OBJ", b"o", None),
    ("NEWOBJ", b"\x81", None),
    ("NEWOBJ_EX", b"\x92", None),
    ("PROTO", b"\x80", _U1),
    ("STOP", b".", None),
    ("FRAME", b"\x95", _U8),
    ("PERSID", b"P", _line),
    ("BINPERSID", b"Q", None),
)

HIGHEST_PROTOCOL = 5
_PROTO = 0x80


OPCODES: dict[str, Opcode] = {name: Opcode(name, code[0], decode) for name, code, decode in _TABLE}
CODES = frozenset(opcode.code for opcode in OPCODES.values())


def has_header(view: memoryview, at: int = 0) -> bool:
    """Whether the bytes begin as pickles of protocol 2 and later do: PROTO, then an opcode.

    The length of a safetensors header begins with the same two bytes where it is 640, 896 or the
    like; what follows those is no opcode.
    """
    if len(view) < at + 2 or view[at] != _PROTO or not 2 <= view[at + 1] <= HIGHEST_PROTOCOL:
        return False
    return len(view) == at + 2 or view[at + 2] in CODES
