"""Opcodes of a pickle with their arguments: literals, memo keys, storages, tensors, arrays."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

ATTRIBUTES = (
    "__class__", "__dict__", "__setstate__", "__reduce__", "_parameters", "_buffers", "_modules",
    "append", "backend", "cleanup", "data", "defaults", "default_factory", "dtype", "extend", "get",
    "items", "keys", "param_groups", "requires_grad", "shape", "state", "training", "weight",
)  # fmt: skip
_SIZES = (0, 1, 2, 3, 4, 7, -1, 2**31 - 1, -(2**31), 2**16)
_LINES = (
    b"I010", b"I1\0x", b"I 7", b"I+7", b"I0x1f", b"I01", b"I00", b"I1_0", b"I-0", b"I",
    b"I99999999999999999999", b"F1.0\0x", b"F1e999", b"Fnan", b"F 1", b"F1_0.0", b"F0x1p3", b"F",
    b"L5", b"L5L", b"L0005L", b"L-7L", b"L 7L", b"L0x10L", b"L1_0L", b"L" + b"9" * 5000 + b"L",
    b"S'a\\x00b'", b'S"a"', b"S'a' ", b"Sa", b"Va\\u0041", b"V\\ud800", b"V",
)  # fmt: skip
_LITERALS = (b"N", b"\x88", b"\x89", b")", b"]", b"}", b"\x8f", b"K\x00", b"K\xff", b"M\x00\x01")
_STORAGES = ("Float", "Half", "Long", "Byte", "Bool", "Double", "BFloat16", "Untyped", "Odd")


def literal(rng: random.Random) -> bytes:
    """A constant, number, text or bytes."""
    match rng.randrange(6):
        case 0:
            return number(rng)
        case 1:
            return b"G" + struct.pack(">d", rng.choice((0.0, -1.5, 1e308, float("inf"))))
        case 2:
            return text(rng.choice(ATTRIBUTES))
        case 3:
            return raw(bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 8, 64)))))
        case _:
            return rng.choice(_LITERALS)


def number(rng: random.Random) -> bytes:
    """An integer of any width."""
    if rng.random() < 0.2:
        raw = bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 8, 9, 200))))
        return b"\x8a" + bytes([len(raw)]) + raw
    return b"J" + struct.pack("<i", rng.choice(_SIZES))


def odd_number(rng: random.Random) -> bytes:
    """A line of text that C's unpickler and Python's may read differently, or not at all."""
    return rng.choice(_LINES) + b"\n"


def text(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def raw(value: bytes) -> bytes:
    """SHORT_BINBYTES or BINBYTES8, as the length asks for."""
    if len(value) < 256:
        return b"C" + bytes([len(value)]) + value
    return b"\x8e" + struct.pack("<Q", len(value)) + value


def put(rng: random.Random, key: int, entries: int, *, odd: bool) -> bytes:
    """The value on top goes to the memo, under a key that is written in one of four ways."""
    if key == entries and rng.random() < 0.5:
        return b"\x94"
    if key < 256 and rng.random() < 0.5:
        return b"q" + bytes([key])
    if odd and rng.random() < 0.5:
        zeros = b"0" * rng.choice((0, 1, 30))
        return b"p" + zeros + str(key).encode() + b"\n"
    return b"r" + struct.pack("<I", key)


def get(rng: random.Random, key: int) -> bytes:
    """What the memo holds under a key."""
    if key < 256 and rng.random() < 0.7:
        return b"h" + bytes([key])
    if rng.random() < 0.5:
        return b"g" + str(key).encode() + b"\n"
    return b"j" + struct.pack("<I", key)


def storage(rng: random.Random, elements: int = 4) -> bytes:
    """The persistent id of one of PyTorch's storages."""
    kind = f"ctorch\n{rng.choice(_STORAGES)}Storage\n".encode()
    key = text(rng.choice(("0", "0", "0", "1", "../0")))
    return b"(" + text("storage") + kind + key + text("cpu") + b"K" + bytes([elements]) + b"tQ"


def tensor(rng: random.Random) -> bytes:
    """`_rebuild_tensor_v2` on a storage of four elements, or another function on other things."""
    function = rng.choice(("_rebuild_tensor_v2", "_rebuild_tensor_v2", "_rebuild_tensor"))
    sizes = _sizes(rng)
    strides = sizes if rng.random() < 0.5 else _sizes(rng)
    more = b"\x89ccollections\nOrderedDict\n)R" if function.endswith("v2") else b""
    call = b"ctorch._utils\n" + function.encode() + b"\n("
    offset = rng.choice((b"K\x00", number(rng)))
    made = call + storage(rng) + offset + sizes + strides + more + b"tR"
    if rng.random() < 0.8:
        return made
    layout = b"ctorch.serialization\n_get_layout\n" + text("torch.sparse_coo") + b"\x85R"
    parts = b"(" + made + tensor(rng) + _sizes(rng) + b"t"
    return b"ctorch._utils\n_rebuild_sparse_tensor\n" + layout + parts + b"\x86R"


def _sizes(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return rng.choice((b"K\x04\x85", b"K\x02K\x02\x86", b"K\x01\x85"))
    return b"(" + b"".join(number(rng) for _ in range(rng.randrange(4))) + b"t"


def array(rng: random.Random, filling: Callable[[], bytes]) -> bytes:
    """A dtype, a scalar or an array of NumPy; `filling` is made where data is expected."""
    module = b"numpy" + rng.choice((b"._core", b".core")) + b".multiarray\n"
    zeros = raw(bytes(rng.choice((0, 8, 32))))
    dtype = _dtype(rng)
    if rng.random() < 0.2:
        return dtype
    data = zeros if rng.random() < 0.6 else filling()
    match rng.randrange(3):
        case 0:
            return b"c" + module + b"scalar\n" + dtype + data + b"\x86R"
        case 1:
            call = b"cnumpy._core.numeric\n_frombuffer\n("
            return call + data + dtype + b"K\x04\x85" + text("C") + b"tR"
        case _:
            empty = b"c" + module + b"_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
            state = b"(K\x01" + _sizes(rng) + dtype + rng.choice((b"\x88", b"\x89")) + data + b"t"
            return empty + state + b"b"


def _dtype(rng: random.Random) -> bytes:
    code = rng.choice(("f4", "i8", "O8", "O", "V8", "S3", "U2", "M8[ns]", "f99", "", ">f4"))
    made = b"cnumpy\ndtype\n" + text(code) + b"\x89\x88\x87R"
    if rng.random() < 0.4:
        return made
    numbers = b"".join(number(rng) for _ in range(rng.choice((2, 3, 3))))
    version = rng.choice((b"K\x03", b"K\x04", number(rng)))
    order = text(rng.choice(("<", ">", "|", "=", "x")))
    fields = rng.choice((b"NNN", b"NNN", b"N" + text("a") + b"\x85}", b"NN", b"N)}"))
    return made + b"(" + version + order + fields + numbers + b"tb"
