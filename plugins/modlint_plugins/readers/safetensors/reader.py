"""safetensors: a JSON header of names, types, shapes and byte ranges, then the bytes.

Format: https://huggingface.co/docs/safetensors/en/index#format. The reference implementation
refuses a file with any fault; here each fault is named and what can be read is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from modlint.checkpoint import Checkpoint, Remark, Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES, DType
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.safetensors.header import (
    MAX_HEADER,
    Entry,
    Header,
    parse_header,
)

_DTYPES = {
    "BOOL": "bool",
    "F4": "float4_e2m1fn",
    "F6_E2M3": "float6_e2m3fn",
    "F6_E3M2": "float6_e3m2fn",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}
_LENGTH_BYTES = 8
_HELP = "write the file again with safetensors, or download it again"


class SafetensorsReader:
    """Reads the header; tensors stay mapped in the file."""

    name = "safetensors"
    description = "safetensors: JSON header and mapped tensors"
    family = "safetensors"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins with a header's length and the brace that opens the header."""
        start = bytes(source.view[_LENGTH_BYTES : _LENGTH_BYTES + 64]).lstrip(b" \t\r\n")
        # Eight bytes of text would be a length above 2^40.
        return start[:1] == b"{" and 2 <= _header_length(source) < 1 << 40

    def read(self, source: Source) -> Checkpoint:
        """Read the header and map the tensors.

        Raises:
            UnreadableError: the header is cut off, above 100 MB or not what the format asks for.
        """
        header = parse_header(_header_bytes(source))
        start = _LENGTH_BYTES + _header_length(source)
        data = source.view[start:]
        faults = _Faults(start)
        tensors = {}
        for entry in header.entries:
            dtype = _DTYPES.get(entry.dtype)
            if dtype is None:
                faults.add("unknown-dtype", f"{entry.what} has the unknown type {entry.dtype!r}")
            elif _fits(entry, DTYPES[dtype], len(data), faults):
                tensors[entry.name] = _tensor(entry, DTYPES[dtype], data, start)
        for name in header.duplicates:
            faults.add("duplicate-key", f"the header names {name!r} more than once")
        _check_coverage(header, len(data), faults)
        return Checkpoint(
            path=source.path,
            format=self.name,
            nbytes=source.nbytes,
            tensors=tensors,
            metadata=header.metadata,
            remarks=header.remarks,
            faults=tuple(faults),
        )


class _Faults:
    """Faults of one kind are told as one: a hostile header holds thousands."""

    def __init__(self, data_start: int) -> None:
        self._data_start = data_start
        self._first: dict[str, tuple[str, int | None]] = {}
        self._counts: dict[str, int] = {}

    def add(self, kind: str, message: str, offset: int | None = None) -> None:
        """Note a fault; `offset` counts from the start of the data."""
        self._first.setdefault(kind, (message, offset))
        self._counts[kind] = self._counts.get(kind, 0) + 1

    def __iter__(self) -> Iterator[Remark]:
        for kind, (message, offset) in self._first.items():
            more = self._counts[kind] - 1
            if more:
                message += f" (and {more:,} more of the kind)"
            where = None if offset is None else self._data_start + offset
            yield Remark(kind, message, offset=where, help=_HELP)


def _header_length(source: Source) -> int:
    return int.from_bytes(source.view[:_LENGTH_BYTES], "little")


def _header_bytes(source: Source) -> memoryview:
    length = _header_length(source)
    if length > MAX_HEADER:
        raise UnreadableError(
            f"has a safetensors header of {length:,} bytes; the format allows {MAX_HEADER:,}",
            help=_HELP,
            offset=0,
        )
    missing = _LENGTH_BYTES + length - source.nbytes
    if missing > 0:
        raise UnreadableError(
            f"is truncated: {missing:,} bytes of its safetensors header are missing",
            help="download it again",
            offset=source.nbytes,
        )
    return source.view[_LENGTH_BYTES : _LENGTH_BYTES + length]


def _fits(entry: Entry, dtype: DType, available: int, faults: _Faults) -> bool:
    """Whether the entry's bytes are there and as many as its shape asks for."""
    begin, end = entry.begin, entry.end
    if begin > end:
        faults.add("bad-offsets", f"{entry.what} ends at byte {end:,}, before its first, {begin:,}")
    elif 8 * (end - begin) != entry.elements * dtype.bits:
        bits = entry.elements * dtype.bits
        faults.add(
            "wrong-length",
            f"{entry.what} has {end - begin:,} bytes of data; its shape takes {_amount(bits)} "
            f"of {entry.dtype}",
            begin,
        )
    else:
        return end <= available  # what lies beyond is told once for the file
    return False


def _amount(bits: int) -> str:
    if bits >= 1 << 62:
        return "more than 2^62 bits"
    return f"{bits:,} bits" if bits % 8 else f"{bits // 8:,} bytes"


def _tensor(entry: Entry, dtype: DType, data: memoryview, data_start: int) -> Tensor:
    storage = Storage(
        key=entry.name,
        nbytes=entry.end - entry.begin,
        read=partial(_slice, data, entry.begin, entry.end),
        offset=data_start + entry.begin,
    )
    strides = contiguous_strides(entry.shape)
    return Tensor(entry.name, dtype, entry.shape, strides, storage)


def _slice(data: memoryview, begin: int, end: int) -> memoryview:
    return data[begin:end]


def _check_coverage(header: Header, available: int, faults: _Faults) -> None:
    """The tensors must cover the data without holes or overlaps, up to the last byte."""
    position = 0
    for entry in _by_position(header.entries):
        if entry.begin > position:
            hole = f"{entry.begin - position:,} bytes before {entry.what} belong to no tensor"
            faults.add("hole", hole, position)
        elif entry.begin < position:
            faults.add("overlap", f"{entry.what} overlaps the tensor before it", entry.begin)
        position = max(position, entry.end)
    if position > available:
        lost = [entry for entry in header.entries if entry.end > available]
        faults.add(
            "truncated",
            f"is truncated: {position - available:,} bytes are missing at its end, "
            f"{len(lost):,} of {len(header.entries):,} tensors cannot be read, "
            f"the first is {lost[0].name!r}",
            available,
        )
    elif position < available:
        trailing = f"{available - position:,} bytes after the last tensor belong to none"
        faults.add("trailing-bytes", trailing, position)


def _by_position(entries: Iterable[Entry]) -> list[Entry]:
    proper = (entry for entry in entries if entry.begin < entry.end)
    return sorted(proper, key=lambda entry: (entry.begin, entry.end))
