"""Opcodes by hand: pieces of pickles that are put together, never loaded."""

from __future__ import annotations

import struct

from threats.build import CALL, RUN, text

PROTO = b"\x80\x02"
PAYLOAD = PROTO + RUN
"""`os.system('id')` behind a header, 26 bytes: what most of the files here hide."""

AT = len(PROTO) + len(CALL) - 1
"""Offset of its call."""

Name = tuple[str, str]
WIPE: Name = ("thirdparty.tasks", "wipe")
"""A callable that stands for any of a third party."""

PIP: Name = ("pip._internal.cli.main", "main")


def pushed(name: Name) -> bytes:
    """GLOBAL."""
    return f"c{name[0]}\n{name[1]}\n".encode()


def found(name: Name) -> bytes:
    """STACK_GLOBAL of two texts."""
    return short(name[0]) + short(name[1]) + b"\x93"


def short(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def raw(value: bytes) -> bytes:
    """BINBYTES."""
    return b"B" + struct.pack("<I", len(value)) + value


def number(value: int) -> bytes:
    """BININT, or LONG1 where that is too short."""
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def tuple_of(*parts: bytes) -> bytes:
    """MARK, the parts, TUPLE."""
    return b"(" + b"".join(parts) + b"t"


def list_of(*parts: bytes) -> bytes:
    """EMPTY_LIST and APPENDS."""
    return b"](" + b"".join(parts) + b"e"


def dict_of(**items: bytes) -> bytes:
    """EMPTY_DICT and SETITEMS."""
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def called(name: Name | bytes, *arguments: bytes) -> bytes:
    """REDUCE of a global, or of what opcodes leave."""
    function = name if isinstance(name, bytes) else pushed(name)
    return function + tuple_of(*arguments) + b"R"


def rebuilt(name: Name, state: bytes = b"", *arguments: bytes) -> bytes:
    """NEWOBJ of a class, and BUILD where there is a state."""
    made = pushed(name) + tuple_of(*arguments) + b"\x81"
    return made + state + b"b" if state else made


def namespace(**attributes: bytes) -> bytes:
    """A `types.SimpleNamespace` of these attributes: any name can be planted in it."""
    made = called(("types", "SimpleNamespace"))
    return made + dict_of(**attributes) + b"b" if attributes else made


def ended(*parts: bytes, proto: int = 4) -> bytes:
    """The header, the parts, STOP."""
    return bytes([0x80, proto]) + b"".join(parts) + b"."


def ndarray(shape: bytes, dtype: bytes, content: bytes) -> bytes:
    """NumPy's `_reconstruct` and the state of an array; all are opcodes."""
    empty = called(
        ("numpy._core.multiarray", "_reconstruct"),
        pushed(("numpy", "ndarray")),
        tuple_of(number(0)),
        raw(b"b"),
    )
    return empty + tuple_of(number(1), shape, dtype, b"\x89", content) + b"b"


def dtype(code: str, *state: bytes) -> bytes:
    """`numpy.dtype(code, False, True)`, with a state where one is given."""
    made = called(("numpy", "dtype"), text(code), b"\x89", b"\x88")
    return made + tuple_of(*state) + b"b" if state else made
