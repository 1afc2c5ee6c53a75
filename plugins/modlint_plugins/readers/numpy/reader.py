"""One NumPy array (.npy): its header, and the array mapped; an array of objects is a pickle."""

from __future__ import annotations

import math
import re
from typing import Any

from modlint.checkpoint import Checkpoint, Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES, DType, opaque
from modlint.source import Source
from modlint_plugins.readers.contained import budget_of
from modlint_plugins.readers.numpy.header import MAGIC, Header, header, pickle_offsets
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading, Segment
from modlint_plugins.readers.torch.storages import swapped
from modlint_plugins.readers.torch.tensors import TensorCollector
from modlint_plugins.readers.torch.views import NUMPY_TYPES

NAME = "array"
"""A .npy file does not name its array."""

_PLAIN = re.compile(r"[<>|=]?([a-zA-Z])(\d*)(\[.*\])?")


class NumpyReader:
    """A single array."""

    name = "npy"
    description = "NumPy arrays (.npy); arrays of objects as the pickles that they are"
    family = "numpy"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins as an array's."""
        return source.startswith(MAGIC)

    def read(self, source: Source) -> Checkpoint:
        """Read the header and map the array; where the header is refused, look for a pickle."""
        found = header(source.view) or Header(source.nbytes)
        reading = Reading(open_nested, budget_of(source))
        if found.problem is not None:
            reading.fault("damaged-array", f"is a damaged NumPy array: {found.problem}")
        if found.objects:
            return _read_objects(source, reading, found)
        if found.problem is not None:
            for offset in pickle_offsets(source.view):
                reading.scan_further(Segment(source.view), offset)
            return reading.checkpoint(source, self.name, {})
        tensor = _tensor(source, reading, found)
        return reading.checkpoint(source, self.name, {} if tensor is None else {NAME: tensor})


def _read_objects(source: Source, reading: Reading, header: Header) -> Checkpoint:
    reading.remark("object-array", "holds an array of pickled Python objects", offset=header.data)
    segment = Segment(source.view)
    found = reading.interpret(segment, header.data)
    if found.trace.incomplete is None:
        reading.scan_further(segment, found.end)
    collector = TensorCollector(reading)
    collector.collect(found.value, NAME)
    return collector.checkpoint(source, "npy")


def _tensor(source: Source, reading: Reading, header: Header) -> Tensor | None:
    available = source.nbytes - header.data
    nbytes = (header.itemsize or 0) * math.prod(header.shape)
    dtype, order = element_type(header)
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


def element_type(header: Header) -> tuple[DType, str]:
    """The type of an array's elements, and its byte order; opaque where it is no number's."""
    descr: Any = header.descr
    bits = 8 * (header.itemsize or 0)
    match = _PLAIN.fullmatch(descr) if isinstance(descr, str) else None
    if match is None:
        return opaque("structured", bits), "|"
    name = NUMPY_TYPES.get(match[1] + match[2])
    if name is not None:
        return DTYPES[name], descr[0]
    return opaque(f"numpy {match[1]}{match[2]}", bits), "|"
