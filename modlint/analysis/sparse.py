"""Sparse and nested tensors whose indices or offsets lead outside of what they belong to.

PyTorch does not check them when it loads; making such a tensor dense writes where they point
(CVE-2025-62164).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from msgspec import Struct

from modlint.analysis.base import FileAnalysis
from modlint.checkpoint import Checkpoint, SparseTensor, Tensor
from modlint.errors import UnreadableError

Parts = dict[str, Tensor]
"""The parts of a sparse tensor by what they are ("crow_indices")."""

_INTEGERS = {"int64": "<i8", "int32": "<i4"}
_INDICES = frozenset(
    {
        "ccol_indices",
        "col_indices",
        "crow_indices",
        "indices",
        "row_indices",
        "sizes",
        "storage_offsets",
        "strides",
    }
)
_BLOCKED = frozenset({"sparse_bsr", "sparse_bsc"})
_LARGEST = 1 << 40


class SparseProblem(Struct, frozen=True):
    """What is wrong with a sparse tensor.

    Attributes:
        name: of the tensor.
        message: one sentence.
        dense: bytes of the dense tensor where these are the problem, None for anything else.
    """

    name: str
    message: str
    dense: int | None = None


class SparseIndices(FileAnalysis[tuple[SparseProblem, ...]], frozen=True):
    """Smallest and largest index of every sparse tensor, against its size.

    Attributes:
        free: bytes that a dense tensor may take in any case.
        ratio: how many times the bytes of its parts it may take.
    """

    name: ClassVar[str] = "sparse-indices"
    description: ClassVar[str] = "indices of sparse tensors against their sizes"
    free: int = 16 << 30
    ratio: int = 100_000

    def compute(self, checkpoint: Checkpoint) -> tuple[SparseProblem, ...]:
        """Look at every sparse tensor's indices once."""
        found = (self._problems(checkpoint, sparse) for sparse in checkpoint.sparse)
        return tuple(dict.fromkeys(problem for problems in found for problem in problems))

    def _problems(self, checkpoint: Checkpoint, sparse: SparseTensor) -> Iterator[SparseProblem]:
        tensors = checkpoint.tensors
        parts = {part: tensors[name] for part, name in sparse.parts.items() if name in tensors}
        odd = [part for part, tensor in parts.items() if part in _INDICES and not _whole(tensor)]
        if odd:
            dtype = parts[odd[0]].dtype.name
            yield SparseProblem(sparse.name, f"has {odd[0]} of type {dtype}, which is no index")
            return
        try:
            for message in _LAYOUTS.get(sparse.layout, _compressed)(sparse, parts):
                yield SparseProblem(sparse.name, message)
        except UnreadableError:
            return  # what needs the tensor reports it
        yield from self._dense(sparse, parts)

    def _dense(self, sparse: SparseTensor, parts: Parts) -> Iterator[SparseProblem]:
        values = parts.get("values")
        if values is None or not sparse.size:
            return
        dense = values.dtype.nbytes(math.prod(sparse.size))
        stored = sum(tensor.nbytes for tensor in parts.values())
        if dense > self.free and dense > self.ratio * max(stored, 1):
            message = f"takes {dense:,} bytes once it is dense, and {stored:,} in the file"
            yield SparseProblem(sparse.name, message, dense)


def _whole(tensor: Tensor) -> bool:
    return tensor.dtype.name in _INTEGERS


def _coordinates(sparse: SparseTensor, parts: Parts) -> Iterator[str]:
    """COO: one row of indices for each sparse axis."""
    indices = parts.get("indices")
    if indices is None or not indices.elements:
        return
    if len(indices.shape) != 2 or indices.shape[0] > len(sparse.size):
        yield f"has indices of shape {list(indices.shape)} for a size of {len(sparse.size)} axes"
        return
    values = parts.get("values")
    dense = 0 if values is None else len(values.shape) - 1
    if values is not None and indices.shape[0] + dense != len(sparse.size):
        yield f"has {indices.shape[0]} rows of indices for a size of {list(sparse.size)}"
    elements = _elements(indices)
    for axis, side in enumerate(sparse.size[: indices.shape[0]]):
        yield from _outside(elements[axis], side - 1, "indices", sparse)


def _compressed(sparse: SparseTensor, parts: Parts) -> Iterator[str]:
    """CSR, CSC and their blocked kinds: pointers into the entries, and the other axis' indices."""
    by_row = "crow_indices" in parts
    pointers = parts.get("crow_indices" if by_row else "ccol_indices")
    plain = parts.get("col_indices" if by_row else "row_indices")
    values = parts.get("values")
    if pointers is None or plain is None or values is None or not pointers.shape:
        return
    batch = len(pointers.shape) - 1
    sides = sparse.size[batch : batch + 2]
    if len(sides) < 2 or len(values.shape) <= batch:
        yield f"has a size of {len(sparse.size)} axes, too few for its layout"
        return
    if sparse.layout in _BLOCKED and len(values.shape) >= batch + 3:
        blocks = values.shape[batch + 1 : batch + 3]
        sides = tuple(side // max(block, 1) for side, block in zip(sides, blocks, strict=True))
    rows, columns = sides if by_row else sides[::-1]
    entries = values.shape[batch]
    if pointers.shape[-1] != rows + 1 or plain.shape[-1:] != (entries,):
        yield f"has as many pointers and indices as no tensor of size {list(sparse.size)}"
        return
    starts = _elements(pointers)
    yield from _outside(starts, entries, "pointers", sparse)
    falls = starts.size > 1 and bool((starts[..., 1:] < starts[..., :-1]).any())
    if falls or (starts.size and bool((starts[..., -1] != entries).any())):
        yield "has pointers that do not rise from 0 to the number of its entries"
    yield from _outside(_elements(plain), columns - 1, "indices", sparse)


def _nested(_: SparseTensor, parts: Parts) -> Iterator[str]:
    """Nested tensors: each component is a view of one buffer."""
    buffer = parts.get("buffer")
    tables = [parts.get(part) for part in ("sizes", "strides", "storage_offsets")]
    if buffer is None or any(table is None for table in tables):
        return
    sizes, strides, offsets = (_elements(table) for table in tables if table is not None)
    if sizes.shape != strides.shape or sizes.shape[:1] != offsets.shape:
        yield "has sizes, strides and offsets of different numbers of components"
        return
    for table in (sizes, strides, offsets):
        if table.size and not 0 <= int(table.min()) <= int(table.max()) <= _LARGEST:
            yield "has sizes, strides or offsets that make no sense"
            return
    last = offsets + ((sizes - 1) * strides).sum(axis=-1)
    filled = (sizes > 0).all(axis=-1)
    if bool((last[filled] >= buffer.elements).any()):
        yield f"reaches past the {buffer.elements:,} elements of its buffer"


def _outside(indices: Any, most: int, what: str, sparse: SparseTensor) -> Iterator[str]:
    """Whether some index is negative or above the largest that may be."""
    if not indices.size:
        return
    least, largest = int(indices.min()), int(indices.max())
    if least < 0 or largest > most:
        wrong = least if least < 0 else largest
        yield f"has {wrong:,} among its {what}, outside of its size {list(sparse.size)}"


def _elements(tensor: Tensor) -> Any:
    """The elements in the tensor's shape, a view of the file's bytes."""
    import numpy as np

    kind = np.dtype(_INTEGERS[tensor.dtype.name])
    data = np.frombuffer(tensor.storage.read(), dtype=np.uint8)
    whole = data[: len(data) - len(data) % kind.itemsize].view(kind)
    steps = tuple(kind.itemsize * step for step in tensor.strides)
    return np.lib.stride_tricks.as_strided(
        whole[tensor.storage_offset :], tensor.shape, steps, writeable=False
    )


_LAYOUTS: dict[str, Callable[[SparseTensor, Parts], Iterator[str]]] = {
    "sparse_coo": _coordinates,
    "nested": _nested,
}
