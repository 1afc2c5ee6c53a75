"""Lines 34 and 37 of the list: listed names that corrupt memory, or take more than there is."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from threats.build import ANYWHERE, Entry, Finding, Threat, alone, tensor, text, zip_archive
from threats.pickled import (
    called,
    dict_of,
    dtype,
    ended,
    list_of,
    ndarray,
    number,
    pushed,
    raw,
    rebuilt,
    tuple_of,
)

_CORRUPTS = Finding("SEC004", "error", ANYWHERE, None)
_FILLS = Finding("SEC004|SEC001", "error", ANYWHERE, None)
_ONE = tuple_of(number(1))
_POINTER = raw(b"A" * 8)
_OBJECT = dtype("O8")
_NONE = b"N"


def _corrupts(title: str, opcodes: bytes) -> Threat:
    return Threat(34, title, alone("m.pkl", ended(opcodes), _CORRUPTS))


def _fields(flags: int, size: int = 8, offset: int = 0) -> bytes:
    """A structured dtype with one field of objects, and these flags, size and offset."""
    fields = dict_of(a=tuple_of(_OBJECT, number(offset)))
    names = tuple_of(text("a"))
    state = (number(3), text("|"), _NONE, names, fields, number(size), number(1), number(flags))
    return dtype(f"V{size}", *state)


def _scalar(kind: bytes, content: bytes) -> bytes:
    return called(("numpy._core.multiarray", "scalar"), kind, content)


_ENDIAN = (number(3), text("<"), _NONE, _NONE, _NONE, number(-1), number(-1), number(0))
_PLAIN = ndarray(_ONE, _OBJECT, _POINTER)
_ARRAYS = (
    _corrupts("a dtype state of two items", dtype("f8", number(3), text("<"))),
    _corrupts("a dtype state of ten items", dtype("f8", *_ENDIAN, _NONE, _NONE)),
    _corrupts("a field of objects whose dtype has no flags", ndarray(_ONE, _fields(0), _POINTER)),
    _corrupts("a field of objects past its item", ndarray(_ONE, _fields(63, 8, 1 << 20), _POINTER)),
    _corrupts(
        "a number whose dtype has the flags of objects", dtype("f8", *_ENDIAN[:-1], number(63))
    ),
    _corrupts("an array of objects from bytes", _PLAIN),
    _corrupts("an array of fields of objects from bytes", ndarray(_ONE, _fields(63), _POINTER)),
    _corrupts("an object scalar from bytes", _scalar(_OBJECT, _POINTER)),
    _corrupts("a scalar with a field of objects from bytes", _scalar(_fields(63), _POINTER)),
)


def _vector(key: str, values: Iterable[int], shape: tuple[int, ...]) -> tuple[bytes, Entry]:
    """Opcodes of a contiguous tensor of int64, and its storage's member."""
    numbers = list(values)
    storage = tuple_of(
        text("storage"),
        pushed(("torch", "LongStorage")),
        text(key),
        text("cpu"),
        number(len(numbers)),
    )
    strides = [1]
    for extent in reversed(shape[1:]):
        strides.insert(0, strides[0] * extent)
    opcodes = called(
        ("torch._utils", "_rebuild_tensor_v2"),
        storage + b"Q",
        number(0),
        tuple_of(*map(number, shape)),
        tuple_of(*map(number, strides)),
        b"\x89",
        called(("collections", "OrderedDict")),
    )
    return opcodes, Entry(f"model/data/{key}", struct.pack(f"<{len(numbers)}q", *numbers))


def _archive(title: str, opcodes: bytes, *storages: Entry, finding: Finding = _CORRUPTS) -> Threat:
    members = [
        Entry("model/data.pkl", ended(dict_of(w=opcodes), proto=2)),
        Entry("model/version", b"3\n"),
        *storages,
    ]
    return Threat(34, title, alone("m.pt", zip_archive(members).content, finding))


def _coo(title: str, indices: list[int], size: tuple[int, ...]) -> Threat:
    """A sparse tensor of one element at these indices."""
    where, first = _vector("0", indices, (len(indices), 1))
    values, second = _vector("1", [7], (1,))
    layout = called(("torch.serialization", "_get_layout"), text("torch.sparse_coo"))
    opcodes = called(
        ("torch._utils", "_rebuild_sparse_tensor"),
        layout,
        tuple_of(where, values, tuple_of(*map(number, size)), b"\x88"),
    )
    return _archive(title, opcodes, first, second)


def _csr(title: str, rows: list[int], columns: list[int]) -> Threat:
    """A compressed sparse tensor of 2 by 2 with these pointers and columns."""
    pointers, first = _vector("0", rows, (len(rows),))
    indices, second = _vector("1", columns, (len(columns),))
    values, third = _vector("2", [7] * len(columns), (len(columns),))
    layout = called(("torch.serialization", "_get_layout"), text("torch.sparse_csr"))
    parts = tuple_of(pointers, indices, values, tuple_of(number(2), number(2)))
    opcodes = called(("torch._utils", "_rebuild_sparse_tensor"), layout, parts)
    return _archive(title, opcodes, first, second, third)


def _nested(title: str, sizes: list[int], offsets: list[int]) -> Threat:
    """A nested tensor over a buffer of four numbers."""
    buffer, zero = _vector("0", [1, 2, 3, 4], (4,))
    size, one = _vector("1", sizes, (len(sizes), 1))
    strides, two = _vector("2", [1] * len(sizes), (len(sizes), 1))
    starts, three = _vector("3", offsets, (len(offsets),))
    opcodes = called(("torch._utils", "_rebuild_nested_tensor"), buffer, size, strides, starts)
    return _archive(title, opcodes, zero, one, two, three)


_TENSORS = (
    _coo("a sparse index out of range (CVE-2025-62164)", [1_000_000, 1_000_000], (4, 4)),
    _coo("a negative sparse index", [-1, 0], (4, 4)),
    _coo("a sparse size unlike the indices", [0, 0], (4, 4, 4)),
    _csr("compressed columns out of range", [0, 1, 2], [0, 1 << 40]),
    _csr("compressed pointers past the columns", [0, 1, 1 << 40], [0, 1]),
    _nested("a nested tensor past its buffer", [2, 2], [0, 1 << 40]),
    _nested("a nested tensor of negative offset", [2, 2], [-8, 0]),
    _archive(
        "a view past its storage",
        tensor(elements=1 << 20),
        Entry("model/data/0", bytes(16)),
        finding=Finding("FMT001|SEC004", "error", ANYWHERE, None),
    ),
)

_RANGE = called(("builtins", "range"), number(10**11))
_SIZE = number(1 << 20)
_MUCH = {
    "a list of a range": called(("builtins", "list"), _RANGE),
    "a list of a range of Python 2": called(
        ("__builtin__", "list"), called(("__builtin__", "xrange"), number(10**11))
    ),
    "a tuple of a range": called(("builtins", "tuple"), _RANGE),
    "a set of a range": called(("builtins", "set"), _RANGE),
    "a deque of a range": called(("collections", "deque"), _RANGE),
    "a Counter of a range": called(("collections", "Counter"), _RANGE),
    "a list of a range with a step": called(
        ("builtins", "list"), called(("builtins", "range"), number(0), number(10**12), number(2))
    ),
    "a bytearray of 64 TiB": called(("builtins", "bytearray"), number(1 << 46)),
    "bytes of 64 TiB": called(("builtins", "bytes"), number(1 << 46)),
    "a tensor of 4 TiB": called(("torch", "Tensor"), _SIZE, _SIZE),
    "a tensor of 4 TiB by its size": called(
        ("torch", "FloatTensor"), called(("torch", "Size"), tuple_of(_SIZE, _SIZE))
    ),
    "a storage of 4 TiB": called(("torch", "FloatStorage"), number(1 << 40)),
    "an untyped storage of 4 TiB": called(("torch.storage", "UntypedStorage"), number(1 << 42)),
    "an array of 8 TiB": called(("numpy", "ndarray"), tuple_of(number(1 << 40)), dtype("f8")),
    "an array of 8 TiB, reconstructed": called(
        ("numpy._core.multiarray", "_reconstruct"),
        pushed(("numpy", "ndarray")),
        tuple_of(number(1 << 40)),
        raw(b"d"),
    ),
}
_MODULUS = (1 << 61) - 1
"""What CPython takes numbers modulo to hash them."""
_ALIKE = [number(_MODULUS * factor) for factor in range(1, 3000)]
_LONG = {
    "keys of one hash": b"}(" + b"".join(key + _NONE for key in _ALIKE) + b"u",
    "a set of tuples of one hash": b"\x8f(" + b"".join(key + b"\x85" for key in _ALIKE) + b"\x90",
    "a set of a list of one hash": called(("builtins", "set"), list_of(*_ALIKE)),
    "an OrderedDict of pairs of one hash": called(
        ("collections", "OrderedDict"), list_of(*(tuple_of(key, _NONE) for key in _ALIKE))
    ),
    "a Counter of a list of one hash": called(("collections", "Counter"), list_of(*_ALIKE)),
    "a set of a range of one hash": called(
        ("builtins", "set"),
        called(("builtins", "range"), number(0), number(_MODULUS * 10**6), number(_MODULUS)),
    ),
    "a text in Punycode, which takes the square of its length": called(
        ("_codecs", "encode"), text("a"), text("punycode")
    ),
    "bytes out of Punycode": called(("builtins", "str"), raw(b"a"), text("punycode")),
}
_SAMPLER = rebuilt(("torch.utils.data.sampler", "SequentialSampler"), dict_of(data_source=_RANGE))
_SUBSET = rebuilt(("torch.utils.data.dataset", "Subset"), dict_of(dataset=_RANGE, indices=_RANGE))
_MUCH |= {
    "a list of a sampler": called(("builtins", "list"), _SAMPLER),
    "a deque of a sampler": called(("collections", "deque"), _SAMPLER),
    "a tensor of a data set": called(("torch", "LongTensor"), _SUBSET),
    "a list of the addresses of a network by its prefix": called(
        ("builtins", "list"),
        called(("ipaddress", "IPv4Network"), tuple_of(number(0), number(0))),
    ),
}
_ALLOCATIONS = tuple(
    Threat(37, title, alone("m.pkl", ended(opcodes), _FILLS)) for title, opcodes in _MUCH.items()
)

_TIMES = tuple(
    Threat(57, title, alone("m.pkl", ended(opcodes), _CORRUPTS)) for title, opcodes in _LONG.items()
)

THREATS = (*_ARRAYS, *_TENSORS, *_ALLOCATIONS, *_TIMES)
