"""One NumPy array (.npy): its header, and the array mapped; an array of objects is a pickle.

Format: NEP 1 and `numpy/lib/format.py` of NumPy 2.x, versions 1.0 to 3.0.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Any

from modlint.checkpoint import Checkpoint, Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES, DType, opaque
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.contained import budget_of
from modlint_plugins.readers.nested_checkpoint import open_nested
from modlint_plugins.readers.torch_reading import Reading, Segment
from modlint_plugins.readers.torch_storages import swapped
from modlint_plugins.readers.torch_tensors import TensorCollector
from modlint_plugins.readers.torch_views import NUMPY_TYPES

MAGIC = b"\x93NUMPY"
NAME = "array"
"""A .npy file does not name its array."""

_MAX_HEADER = 10_000
"""Characters that NumPy itself reads unless told otherwise."""
_MAX_RANK = 64
_PLAIN = re.compile(r"[<>|=]?([a-zA-Z])(\d*)(\[.*\])?")
_HELP = "save or download it again"


class NumpyReader:
    """A single array."""

    name = "npy"
    description = "NumPy arrays (.npy); arrays of objects as the pickles that they are"
    family = "numpy"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins as an array's."""
        return source.startswith(MAGIC)

    def read(self, source: Source) -> Checkpoint:
        """Read the header and map the array.

        Raises:
            UnreadableError: the header is damaged, or of a version that NumPy does not know.
        """
        header = _header(source)
        reading = Reading(open_nested, budget_of(source))
        if _holds_objects(header.descr):
            return _read_objects(source, reading, header)
        tensor = _tensor(source, reading, header)
        return reading.checkpoint(source, self.name, {} if tensor is None else {NAME: tensor})


@dataclass(frozen=True, slots=True)
class _Header:
    """What a header states, and where the data begin."""

    descr: Any
    fortran: bool
    shape: tuple[int, ...]
    data: int


def _header(source: Source) -> _Header:
    version = bytes(source.view[6:8])
    wide = version in (b"\x02\x00", b"\x03\x00")
    if not wide and version != b"\x01\x00":
        raise _refusal(f"its version is {'.'.join(map(str, version)) or 'missing'}")
    start = 12 if wide else 10
    nbytes = int.from_bytes(source.view[8:start], "little")
    if nbytes > _MAX_HEADER:
        raise _refusal(f"its header of {nbytes:,} bytes is longer than {_MAX_HEADER:,}")
    if start + nbytes > source.nbytes:
        raise _refusal("it is truncated in its header")
    text = bytes(source.view[start : start + nbytes]).decode("utf-8", "replace")
    try:
        stated = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise _refusal("its header is no Python literal") from error
    match stated:
        case {"descr": descr, "fortran_order": bool(fortran), "shape": tuple(shape)} if all(
            type(size) is int and 0 <= size < 1 << 62 for size in shape
        ):
            if len(shape) <= _MAX_RANK:
                return _Header(descr, fortran, shape, start + nbytes)
    raise _refusal("its header does not describe an array")


def _refusal(what: str) -> UnreadableError:
    return UnreadableError(f"is a damaged NumPy array: {what}", help=_HELP)


def _holds_objects(descr: Any) -> bool:
    """Whether an element type has objects in it, at any depth."""
    if isinstance(descr, (list, tuple)):
        return any(_holds_objects(part) for part in descr[:10_000])
    match = _PLAIN.fullmatch(descr) if isinstance(descr, str) else None
    return match is not None and match[1] == "O"


def _read_objects(source: Source, reading: Reading, header: _Header) -> Checkpoint:
    reading.remark("object-array", "holds an array of pickled Python objects", offset=header.data)
    segment = Segment(source.view)
    found = reading.interpret(segment, header.data)
    if found.trace.incomplete is None:
        reading.scan_further(segment, found.end)
    collector = TensorCollector(reading)
    collector.collect(found.value, NAME)
    return reading.checkpoint(source, "npy", collector.tensors)


def _tensor(source: Source, reading: Reading, header: _Header) -> Tensor | None:
    available = source.nbytes - header.data
    elements = math.prod(header.shape)
    dtype, order = element_type(header.descr, available, elements)
    nbytes = dtype.nbytes(elements)
    if nbytes > available:
        missing = f"truncated: {nbytes - available:,} of the array's {nbytes:,} bytes are missing"
        reading.fault("truncated", missing, offset=source.nbytes)
        return None
    if nbytes < available:
        segment = Segment(source.view)
        reading.scan_further(segment, header.data + nbytes)
    view = source.view[header.data : header.data + nbytes]
    big = order == ">" and dtype.bits > 8

    def read() -> memoryview:
        return swapped(view, dtype) if big else view

    storage = Storage(NAME, nbytes, read, offset=None if big else header.data)
    strides = contiguous_strides(header.shape)
    if header.fortran:
        strides = contiguous_strides(header.shape[::-1])[::-1]
    return Tensor(NAME, dtype, header.shape, strides, storage)


def element_type(descr: Any, available: int, elements: int) -> tuple[DType, str]:
    """The element type of a `descr`, and its byte order; opaque where it is no number's.

    Raises:
        UnreadableError: it is no element type.
    """
    if isinstance(descr, (list, tuple)):
        return opaque("structured", 8 * (available // elements if elements else 1)), "|"
    match = _PLAIN.fullmatch(descr) if isinstance(descr, str) else None
    if match is None:
        raise _refusal("its element type is none that NumPy knows")
    name = NUMPY_TYPES.get(match[1] + match[2])
    if name is not None:
        return DTYPES[name], descr[0]
    width = int(match[2][:9] or 0) * (4 if match[1] == "U" else 1)
    return opaque(f"numpy {match[1]}{match[2]}", 8 * width), "|"
