"""Whether tensors of two kinds of names hold the same values: a head that is its embedding."""

from __future__ import annotations

import re
from typing import ClassVar

from msgspec import Struct

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.checkpoint import Checkpoint, Tensor
from modlint.errors import Unavailable, UnreadableError

_PIECE = 1 << 20
_MAX_PAIRS = 64


class SamePair(Struct, frozen=True):
    """Two tensors of one shape and type.

    Attributes:
        first: name of the one.
        second: name of the other.
        equal: whether every byte of their elements is the same.
    """

    first: str
    second: str
    equal: bool


class SameContent(FileAnalysis[tuple[SamePair, ...]], frozen=True):
    """Pairs of one shape and type whose names match two patterns, compared byte by byte.

    Reading ends at the first difference.

    Attributes:
        first: regular expression that is searched in the keys of the ones.
        second: in those of the others.
    """

    first: str
    second: str

    name: ClassVar[str] = "same-content"
    description: ClassVar[str] = "whether two tensors hold the same bytes"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[SamePair, ...]:  # noqa: ARG002
        """Compare each of the ones with each of the others.

        Raises:
            Unavailable: a tensor cannot be read.
        """
        ones, others = (
            [t for t in checkpoint.tensors.values() if t.contiguous and re.search(p, t.key)]
            for p in (self.first, self.second)
        )
        alike = [(a, b) for a in ones for b in others if (a.shape, a.dtype) == (b.shape, b.dtype)]
        return tuple(SamePair(a.name, b.name, _equal(a, b)) for a, b in alike[:_MAX_PAIRS])


def _equal(one: Tensor, other: Tensor) -> bool:
    if (one.storage, one.storage_offset) == (other.storage, other.storage_offset):
        return True
    first, second = _bytes(one), _bytes(other)
    return all(
        bytes(first[i : i + _PIECE]) == bytes(second[i : i + _PIECE])
        for i in range(0, one.nbytes, _PIECE)
    )


def _bytes(tensor: Tensor) -> memoryview:
    try:
        view = tensor.storage.read()
    except UnreadableError as error:
        raise Unavailable(f"tensor {tensor.name}: {error}") from error
    start = tensor.storage_offset * tensor.dtype.bits // 8
    return view[start : start + tensor.nbytes]
