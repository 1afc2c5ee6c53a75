"""The header of a NumPy array (.npy) as NumPy takes it.

For whoever searches bytes without knowing what will load them::

    found = header(view)           # None where the bytes do not begin as an array does
    found.objects                  # whether NumPy would unpickle what lies at `found.data`
    found.problem                  # why NumPy refuses the header, or reads it in an odd way
    found.end                      # offset behind the array, None where it is not known
    pickle_offsets(view)           # where a pickle may begin, whatever the header says

Format: NEP 1 and NumPy 2.4, `lib/_format_impl.py`, `_read_array_header`, versions 1.0 to 3.0.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import Any

from msgspec import Struct

from modlint_plugins.readers.numpy.descr import layout

MAGIC = b"\x93NUMPY"
MAX_HEADER = 1 << 20
"""Bytes of a header that are read; NumPy has no limit where it may unpickle."""
_PYTHON_2_HEADER = 1 << 16
"""Bytes in which the marks of long numbers of Python 2 are looked for."""
_MAX_RANK = 64
_NARROW, _WIDE = 10, 12
"""Where the text begins, by version."""
_KEYS = {"descr", "fortran_order", "shape"}
_STRING_OR_NUMBER = re.compile(
    r"(?P<string>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")|(?P<number>\d+)(?:[ \t]*L\b)?"
)
_ERRORS = (ValueError, SyntaxError, MemoryError, RecursionError, TypeError)


class Header(Struct, frozen=True):
    """What a header states, and where the data begin.

    Attributes:
        data: offset of the first byte behind it.
        descr: the element type, as written.
        fortran: whether columns follow one another.
        shape: sizes.
        objects: whether the elements hold Python objects.
        itemsize: bytes of an element, None where NumPy does not know the type.
        problem: what NumPy refuses, None where it refuses nothing.
    """

    data: int
    descr: Any = None
    fortran: bool = False
    shape: tuple[int, ...] = ()
    objects: bool = False
    itemsize: int | None = None
    problem: str | None = None

    @property
    def end(self) -> int | None:
        """Offset behind the array's elements; None where they are a pickle, or not known."""
        if self.problem is not None or self.objects or self.itemsize is None:
            return None
        return self.data + self.itemsize * math.prod(self.shape)


def header(view: memoryview) -> Header | None:
    """The header that bytes begin with."""
    if bytes(view[: len(MAGIC)]) != MAGIC:
        return None
    version = bytes(view[6:8])
    start = _WIDE if version in (b"\x02\x00", b"\x03\x00") else _NARROW
    nbytes = int.from_bytes(view[8:start], "little")
    data = start + nbytes
    if start == _NARROW and version != b"\x01\x00":
        named = ".".join(map(str, version)) or "missing"
        return Header(data, problem=f"its version is {named}")
    if data > len(view):
        return Header(len(view), problem="it is truncated in its header")
    if nbytes > MAX_HEADER:
        return Header(
            data, problem=f"its header of {nbytes:,} bytes is longer than {MAX_HEADER:,}, the limit"
        )
    encoding = "utf-8" if version == b"\x03\x00" else "latin-1"
    try:
        stated = _parse(bytes(view[start:data]).decode(encoding), version != b"\x03\x00")
    except _ERRORS:
        return Header(data, problem="its header is no Python literal")
    return _described(data, stated)


def pickle_offsets(view: memoryview) -> tuple[int, ...]:
    """Where a pickle may begin in bytes that begin as an array does.

    Behind the header, whatever its version is, and behind the elements.
    """
    found = header(view)
    if found is None:
        return ()
    offsets = [found.data]
    if found.problem is not None:
        offsets += [s + int.from_bytes(view[8:s], "little") for s in (_NARROW, _WIDE)]
    if found.end is not None:
        offsets.append(found.end)
    return tuple(dict.fromkeys(offset for offset in offsets if offset < len(view)))


def _parse(text: str, python_2: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.literal_eval(text.strip())
        except SyntaxError:
            if not python_2 or len(text) > _PYTHON_2_HEADER:
                raise
            return ast.literal_eval(_without_long_marks(text).strip())


def _without_long_marks(text: str) -> str:
    """The text without the L that ended long numbers in Python 2, in time linear in its length."""
    return _STRING_OR_NUMBER.sub(lambda found: found["string"] or found["number"], text)


def _described(data: int, stated: Any) -> Header:
    match stated:
        case {"descr": descr, "fortran_order": bool(fortran), "shape": tuple(shape)} if all(
            isinstance(size, int) for size in shape
        ):
            found = layout(descr)
            return Header(
                data,
                descr,
                fortran,
                tuple(map(int, shape)),
                found.objects,
                found.nbytes,
                _refusal(stated, shape, found.nbytes),
            )
    return Header(data, problem="its header does not describe an array")


def _refusal(stated: dict[Any, Any], shape: tuple[int, ...], itemsize: int | None) -> str | None:
    if stated.keys() != _KEYS:
        return "its header has other keys than NumPy's"
    if itemsize is None:
        return "its element type is none that NumPy knows"
    if len(shape) > _MAX_RANK or not all(0 <= size < 1 << 62 for size in shape):
        return "its shape is none that an array can have"
    return None
