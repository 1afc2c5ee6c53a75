"""What a reader returns: a checkpoint's tensors and inert metadata, nothing executed."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from modlint.dtypes import DType
from modlint.pickles import PickleTrace

NOT_WHOLLY_READ = "the file was not wholly read"
"""Why nothing is said of a file of which some part could not be read; FMT001 tells which."""


_MISSING = frozenset({"missing-external-data", "missing-shard", "missing-storage"})
"""Kinds of remarks on parts that are not there to be read."""


class Status(enum.StrEnum):
    """What became of a file."""

    CHECKED = "checked"
    UNREADABLE = "unreadable"
    NOT_A_CHECKPOINT = "not-a-checkpoint"
    LFS_POINTER = "lfs-pointer"


class Role(enum.StrEnum):
    """What a tensor is for."""

    WEIGHT = "weight"  # parameter or buffer of a model
    TRAINING_STATE = "training-state"  # optimiser, scheduler, scaler


class Storage(Struct, frozen=True, eq=False):
    """A run of bytes that one or more tensors view; identity is the object's own.

    Attributes:
        key: the storage's name in the file.
        nbytes: its size, in bytes.
        read: gives the bytes; memory-mapped where the format allows, else inflated anew.
        member: the archive member (or external file) that holds it, if any.
        offset: byte offset of its first byte in the file, None where it is compressed or external.
        location: the device it was saved from ("cpu", "cuda:0").
        member_offset: byte offset of its first byte in the external file, where `member` is one.
    """

    key: str
    nbytes: int
    read: Callable[[], memoryview]
    member: str | None = None
    offset: int | None = None
    location: str = "cpu"
    member_offset: int | None = None


class Tensor(Struct, frozen=True, eq=False):
    """A strided view of a storage.

    Attributes:
        name: unique in the checkpoint; the path to it, joined by dots ("state_dict.fc.weight").
        dtype: element type.
        shape: sizes.
        strides: steps between elements, in elements, as long as `shape`.
        storage: the bytes that it views.
        storage_offset: index of its first element in the storage, in elements.
        section: the part of the name that names its container ("state_dict"), "" at the top.
        role: what it is for.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage: Storage
    storage_offset: int = 0
    section: str = ""
    role: Role = Role.WEIGHT

    @property
    def key(self) -> str:
        """The name within its section: the state_dict's own key."""
        return self.name[len(self.section) + 1 :] if self.section else self.name

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the elements occupy when contiguous."""
        return self.dtype.nbytes(self.elements)

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return self.strides == contiguous_strides(self.shape)

    @property
    def offset(self) -> int | None:
        """Byte offset of the first element in the file; None where it is not mapped."""
        if self.storage.offset is None:
            return None
        return self.storage.offset + self.storage_offset * self.dtype.bits // 8


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Row-major strides of `shape`, in elements, as PyTorch computes them."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


class Remark(Struct, frozen=True):
    """Something that a reader noticed and that rules may judge.

    Attributes:
        kind: kebab-case name of what was noticed ("bad-crc").
        message: one sentence for the user.
        member: the archive member it concerns, if any.
        offset: byte offset, in the member where one is given, else in the file.
        help: what the user can do about it.
        file_offset: byte offset in the file, where it is about a member's place in the archive.
    """

    kind: str
    message: str
    member: str | None = None
    offset: int | None = None
    help: str | None = None
    file_offset: int | None = None


class Member(Struct, frozen=True, eq=False):
    """An entry of an archive, as its directory describes it.

    Attributes:
        name: its path in the archive; "outer!inner" in an archive within another.
        nbytes: bytes that it holds.
        stored: bytes that it takes in the archive.
        chunks: gives its bytes in order, a bounded piece at a time; raises UnreadableError where
            they are damaged or go past a stated limit.
        offset: of its first stored byte in the file, None where the file does not hold it as is.
        compressed: whether its bytes are stored compressed.
        crc32: the checksum that the archive states, None where it states none.
    """

    name: str
    nbytes: int
    stored: int
    chunks: Callable[[], Iterator[memoryview]]
    offset: int | None = None
    compressed: bool = False
    crc32: int | None = None

    def read(self, most: int = 1 << 20) -> memoryview:
        """Its first bytes, up to `most`; without a copy where it is not compressed.

        Raises:
            UnreadableError: they are damaged.
        """
        pieces: list[memoryview] = []
        missing = most
        for chunk in self.chunks():
            pieces.append(chunk[:missing])
            missing -= len(pieces[-1])
            if not missing:
                break
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))


class SparseTensor(Struct, frozen=True):
    """One tensor that is made of several: a sparse or a nested one.

    Attributes:
        name: the path to it.
        layout: PyTorch's name of it ("sparse_coo", "sparse_csr"), "nested" for a nested tensor.
        size: the size that the file states, () where it states none.
        parts: names of the tensors that it is made of, by what they are ("indices").
    """

    name: str
    layout: str
    size: tuple[int, ...]
    parts: Mapping[str, str]


class Checkpoint(Struct, frozen=True):
    """A file's content, inert.

    Attributes:
        path: the file, as the user gave it.
        format: the container's name ("torch-zip", "safetensors", "onnx").
        nbytes: size of the file, in bytes.
        status: what became of the file; tensors are complete only where it is `CHECKED`.
        tensors: by name, in the file's order.
        metadata: scalars and strings found beside the tensors.
        remarks: what the reader noticed.
        pickles: every pickle that the file holds, as interpreted.
        faults: parts of the file that could not be read; each makes the file unreadable.
        members: every entry of the archives in the file, in the file's order.
        graph: the format's own graph, for the graph builder of that format; opaque to others.
        sparse: tensors that are made of several.
        shards: names of the files beside it that hold its tensors, where it is an index of them.
    """

    path: Path
    format: str
    nbytes: int
    status: Status = Status.CHECKED
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    pickles: tuple[PickleTrace, ...] = ()
    faults: tuple[Remark, ...] = ()
    members: tuple[Member, ...] = ()
    graph: Any = None
    sparse: tuple[SparseTensor, ...] = ()
    shards: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read: no part is damaged, or not there."""
        return not self.faults and not any(remark.kind in _MISSING for remark in self.remarks)

    @property
    def parameters(self) -> int:
        """Number of elements over all tensors that are weights."""
        return sum(t.elements for t in self.tensors.values() if t.role is Role.WEIGHT)
