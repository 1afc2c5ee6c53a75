"""A reader of tinyjson: small checkpoints as JSON.

    {"format": "tinyjson/1", "tensors": {"fc.weight": {"shape": [1, 2], "data": [0.5, null]}}}

`format` comes first; `data` is row-major, in double precision; null stands for NaN.
"""

from __future__ import annotations

import math
import struct
from typing import Annotated, Literal

import msgspec

from modlint.checkpoint import Checkpoint, Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.errors import UnreadableError
from modlint.source import Source

MAX_BYTES = 16 * 2**20
_MARK = b'"tinyjson/1"'
_MARK_WITHIN = 64  # bytes


class _Array(msgspec.Struct, frozen=True):
    shape: list[Annotated[int, msgspec.Meta(ge=0)]]
    data: list[float | None]


class _File(msgspec.Struct, frozen=True):
    format: Literal["tinyjson/1"]
    tensors: dict[str, _Array]


class TinyJson:
    """Reads tinyjson files of at most 16 MiB."""

    name = "tinyjson"
    description = "small checkpoints as JSON"
    family = "text"

    def sniff(self, source: Source) -> bool:
        """Whether the file is a JSON object that names the format at its start."""
        start = bytes(source.view[:_MARK_WITHIN])
        return start.lstrip().startswith(b"{") and _MARK in start

    def read(self, source: Source) -> Checkpoint:
        """Read the file.

        Raises:
            UnreadableError: it is too large, not valid JSON, or not as the format wants it.
        """
        arrays = _parse(source).tensors
        tensors = {name: _tensor(name, array) for name, array in arrays.items()}
        return Checkpoint(source.path, self.name, source.nbytes, tensors=tensors)


def _parse(source: Source) -> _File:
    if source.nbytes > MAX_BYTES:
        raise UnreadableError(
            f"is {source.nbytes:,} bytes long; tinyjson files have at most {MAX_BYTES:,}",
            help="save it as safetensors",
        )
    try:
        return msgspec.json.decode(source.view, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(f"is not valid tinyjson: {error}", help="write it anew") from error


def _tensor(name: str, array: _Array) -> Tensor:
    elements = math.prod(array.shape)
    if elements != len(array.data):
        raise UnreadableError(
            f"tensor {name} has {len(array.data):,} elements, its shape wants {elements:,}",
            help="write the file anew",
        )
    values = (math.nan if value is None else value for value in array.data)
    content = memoryview(struct.pack(f"<{elements}d", *values))
    shape = tuple(array.shape)
    storage = Storage(name, len(content), lambda: content)
    return Tensor(name, DTYPES["float64"], shape, contiguous_strides(shape), storage)
