"""Where a tensor's elements lie in the file, and their bytes as raw_data would hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from modlint.dtypes import DType

Span = tuple[int, int]
_CHUNK = 1 << 20


class Payload(Struct, frozen=True):
    """The elements of one tensor.

    Attributes:
        nbytes: their size as raw_data would hold them.
        offset: offset in the file, where they lie there in that form.
        read: gives the bytes.
        external: offset in the external file that holds them, if one does.
    """

    nbytes: int
    offset: int | None
    read: Callable[[], memoryview]
    external: int | None = None


def locate(
    view: memoryview, spans: Sequence[Span], proto: Any, field: str, dtype: DType
) -> Payload:
    """Find the elements of a TensorProto: in raw_data where it has that, else in `field`."""
    if proto.HasField("raw_data"):
        start, end = spans[int.from_bytes(proto.raw_data, "little")]
        return Payload(end - start, start, lambda: view[start:end])
    found = runs(spans, getattr(proto, field))
    if field in ("int32_data", "int64_data", "uint64_data"):
        return _varint_payload(view, found, dtype)
    nbytes = sum(end - start for start, end in found)
    if len(found) == 1:
        start, end = found[0]
        return Payload(nbytes, start, lambda: view[start:end])
    return Payload(nbytes, None, lambda: memoryview(_joined(view, found)))


def runs(spans: Sequence[Span], tokens: Iterable[Any]) -> list[Span]:
    """Where the elements lie that a field of a skeleton's TensorProto stands for."""
    return [spans[_index(token)] for token in tokens]


def _index(token: Any) -> int:
    return int.from_bytes(token, "little") if isinstance(token, bytes) else int(token)


def _joined(view: memoryview, runs: Sequence[Span]) -> bytes:
    return b"".join(view[start:end] for start, end in runs)


def _varint_payload(view: memoryview, runs: Sequence[Span], dtype: DType) -> Payload:
    """One number per element, or per byte of packed elements."""
    numbers = sum(_count_varints(view[start:end]) for start, end in runs)
    size = max(dtype.bits // 8, 1)
    if dtype.bits == 6:
        return Payload((numbers * 6 + 7) // 8, None, partial(_read_six_bit, view, runs))
    return Payload(numbers * size, None, partial(_read_varints, view, runs, size))


def _count_varints(data: memoryview) -> int:
    import numpy as np

    count = 0
    for start in range(0, len(data), _CHUNK):
        count += int(np.count_nonzero(np.frombuffer(data[start : start + _CHUNK], np.uint8) < 0x80))
    return count


def _read_varints(view: memoryview, runs: Sequence[Span], size: int) -> memoryview:
    import numpy as np

    values = decode_varints(_joined(view, runs))
    octets: memoryview = values.astype(np.dtype(f"u{size}")).view(np.uint8).data
    return octets


def _read_six_bit(view: memoryview, runs: Sequence[Span]) -> memoryview:
    """Six-bit numbers packed from the least significant bit, as raw_data holds them."""
    import numpy as np

    values = decode_varints(_joined(view, runs)).astype(np.uint8)
    bits = np.unpackbits(values[:, None], axis=1, bitorder="little")[:, :6]
    return np.packbits(bits.reshape(-1), bitorder="little").data


def decode_varints(data: bytes) -> Any:
    """The values of concatenated varints: a uint64 array, negative numbers as two's complement."""
    import numpy as np

    octets = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(octets < 0x80)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    lengths = ends - starts + 1
    values = np.zeros(len(ends), np.uint64)
    for index in range(min(10, int(lengths.max(initial=0)))):
        present = lengths > index
        digits = octets[starts[present] + index].astype(np.uint64) & np.uint64(0x7F)
        values[present] |= digits << np.uint64(7 * index)
    return values
