"""Distributed checkpoints: `.metadata`, a pickle that says where in the .distcp parts each lies.

A tensor may lie in chunks over several parts; its bytes are put together when they are read.
Source: torch 2.13, `distributed/checkpoint/metadata.py` and `filesystem.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import PurePosixPath
from typing import TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Storage, Tensor, contiguous_strides
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC
from modlint_plugins.pickling.opcodes.table import has_header
from modlint_plugins.pickling.scan import begins_as_pickle
from modlint_plugins.pickling.values import Dict, Global, Object, Value
from modlint_plugins.readers.beside import Escape, open_beside
from modlint_plugins.readers.contained import (
    Contents,
    InnerSource,
    Naming,
    bare,
    budget_of,
    is_inner,
)
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading, Segment

_MODULE = b"torch.distributed.checkpoint.metadata"
_SAMPLE = 512
_NAME = ".metadata"
"""How the file's name ends, behind a rank where each has its own."""
_MAX_ITEMS = 250_000
_TENSOR = "tensor"
"""What the reader of PyTorch's files calls a bare tensor."""


def is_distributed(source: Source) -> bool:
    """Whether a file is such a pickle, and parts may stand beside it: by its content or its name.

    PyTorch finds it by its name, whatever its pickle begins with.
    """
    if is_inner(source) or not len(source.view) or source.startswith(LOCAL_MAGIC):
        return False
    if has_header(source.view) and _MODULE in bytes(source.view[:_SAMPLE]):
        return True
    return source.path.name.lower().endswith(_NAME) and begins_as_pickle(source.view)


class DistributedReader:
    """The metadata of a distributed checkpoint, and the parts beside it."""

    name = "torch-distributed"
    description = "PyTorch distributed checkpoints: .metadata, and the .distcp parts beside it"
    family = "pickle"

    def sniff(self, source: Source) -> bool:
        """Whether the file is the metadata's pickle."""
        return is_distributed(source)

    def read(self, source: Source) -> Checkpoint:
        """Interpret the metadata and map the tensors in the parts.

        Raises:
            UnreadableError: the metadata lacks its tables.
        """
        reading = Reading(open_nested, budget_of(source))
        segment = Segment(source.view)
        found = reading.interpret(segment)
        if found.trace.incomplete is None:
            reading.scan_further(segment, found.end)
        contents = Contents(source)
        contents.merge(reading.checkpoint(source, self.name, {}), bare(), 0)
        tables = _attributes(found.value)
        if "state_dict_metadata" not in tables or "storage_data" not in tables:
            contents.fault("damaged-metadata", "the metadata lacks its tables")
            return contents.checkpoint(self.name)
        parts = _Parts(contents)
        parts.read_all(tables["storage_data"])
        parts.join(tables["state_dict_metadata"])
        return contents.checkpoint(self.name)


class _Item(Struct, frozen=True):
    """Where an item lies; `index` is the place of a chunk in its tensor."""

    name: str
    place: tuple[int, ...] | None
    part: str
    offset: int
    nbytes: int


class _Chunk(Struct, frozen=True):
    """A tensor that is a part of another, and where in that it begins."""

    place: tuple[int, ...]
    tensor: Tensor


class _Parts:
    """The parts of one checkpoint."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.chunks: dict[str, list[_Chunk]] = {}
        self._open: dict[str, Source | None] = {}

    def read_all(self, storage_data: Value) -> None:
        """Read every item; what is wrong becomes a fault or a remark."""
        for count, item in enumerate(_items(storage_data)):
            if count >= _MAX_ITEMS:
                self.contents.fault("limit", f"names more than {_MAX_ITEMS:,} items")
                return
            if item is None:
                message = "states an item's place otherwise than PyTorch writes it"
                self.contents.fault("damaged-metadata", message)
                continue
            try:
                self.contents.allowance.check_time()
            except UnreadableError as error:
                self.contents.fault("limit", str(error))
                return
            part = self._part(item.part)
            if part is not None:
                self._read(item, part)

    def join(self, stated: Value) -> None:
        """Make of chunks the tensors that the metadata states."""
        for key, value in stated.pairs if isinstance(stated, Dict) else ():
            size = _attributes(value).get("size")
            chunks = self.chunks.get(key) if isinstance(key, str) else None
            if not isinstance(key, str) or not _is_sizes(size):
                continue
            if chunks is None:
                message = f"no part holds the tensor {key!r}"
                self.contents.remark("missing-tensor", message)
                continue
            try:
                self.contents.add_tensor(_joined(key, tuple(size), chunks))
            except UnreadableError as error:
                self.contents.fail(error)

    def _part(self, name: str) -> Source | None:
        if name not in self._open:
            self._open[name] = None
            try:
                self._open[name] = open_beside(self.contents.source.path, name)
            except Escape as escape:
                self.contents.remark("path-escape", str(escape), name)
            except UnreadableError as error:
                self.contents.remark("missing-shard", str(error), name)
        return self._open[name]

    def _read(self, item: _Item, part: Source) -> None:
        end = item.offset + item.nbytes
        if end > part.nbytes:
            message = f"{item.part}: truncated: the item {item.name!r} is not wholly there"
            self.contents.fault("damaged-member", message, item.part)
            return
        inner = Contents(InnerSource(part.path / "!", part.view, self.contents.source.opener))
        inner.allowance = self.contents.allowance
        naming = Naming(item.part, lambda name, _: _item_name(item, name))
        inner.examine(part.view[item.offset : end], naming, None)
        tensors = tuple(inner.tensors.values())
        for tensor in tensors:
            if tensor.name == item.name:
                place = item.place or (0,) * len(tensor.shape)
                self.chunks.setdefault(item.name, []).append(_Chunk(place, tensor))
            else:
                self.contents.add_tensor(tensor)
        inner.tensors = {}
        self.contents.merge(inner.checkpoint("part"), bare(), None)


def _item_name(item: _Item, name: str) -> tuple[str, str]:
    return (item.name if name == _TENSOR else f"{item.name}.{name}"), ""


def _joined(name: str, shape: tuple[int, ...], chunks: list[_Chunk]) -> Tensor:
    first = chunks[0].tensor
    if len(chunks) == 1 and first.shape == shape:
        return replace(first, name=name)
    held = 0
    for chunk in chunks:
        ends = [o + s for o, s in zip(chunk.place, chunk.tensor.shape, strict=False)]
        fits = len(ends) == len(shape) == len(chunk.place) == len(chunk.tensor.shape)
        if not fits or any(e > s for e, s in zip(ends, shape, strict=True)):
            raise UnreadableError(f"a chunk of tensor {name!r} leaves its shape {list(shape)}")
        if chunk.tensor.dtype is not first.dtype:
            raise UnreadableError(f"the chunks of tensor {name!r} differ in their type")
        held += chunk.tensor.elements
    if held != prod(shape):
        raise UnreadableError(
            f"the chunks of tensor {name!r} hold {held:,} of its {prod(shape):,} elements"
        )
    members = sorted({chunk.tensor.storage.member or "" for chunk in chunks})
    storage = Storage(
        name,
        first.dtype.nbytes(prod(shape)),
        lambda: _assembled(shape, tuple(chunks)),
        " and ".join(members)[:500],
    )
    return Tensor(name, first.dtype, shape, contiguous_strides(shape), storage)


def _assembled(shape: tuple[int, ...], chunks: tuple[_Chunk, ...]) -> memoryview:
    """The bytes of a tensor, row-major, from its chunks."""
    import numpy as np

    width = max(chunks[0].tensor.dtype.bits // 8, 1)
    whole = np.zeros((*shape, width), dtype=np.uint8)
    for place, tensor in ((chunk.place, chunk.tensor) for chunk in chunks):
        data = np.frombuffer(tensor.storage.read(), dtype=np.uint8)
        steps = (*(width * step for step in tensor.strides), 1)
        view = np.lib.stride_tricks.as_strided(
            data[width * tensor.storage_offset :], (*tensor.shape, width), steps, writeable=False
        )
        slices = tuple(slice(o, o + s) for o, s in zip(place, tensor.shape, strict=True))
        whole[slices] = view
    return memoryview(whole.reshape(-1).data)


def _items(storage_data: Value) -> Iterator[_Item | None]:
    """Every item of the table; None for one of which name and place cannot be told."""
    if not isinstance(storage_data, Dict):
        yield None
        return
    for key, value in storage_data.pairs:
        index, info = _attributes(key), _attributes(value)
        name, place = index.get("fqn"), index.get("offset")
        part, span = info.get("relative_path"), (info.get("offset"), info.get("length"))
        if isinstance(name, str) and isinstance(part, str) and _is_sizes(span):
            where = tuple(place) if _is_sizes(place) else None
            yield _Item(name, where, str(PurePosixPath(part)), *span)
        else:
            yield None


def _attributes(value: Value) -> dict[str, Value]:
    """The attributes of one of the metadata's own classes."""
    if not isinstance(value, Object) or not isinstance(value.function, Global):
        return {}
    state = value.state
    pairs = state.pairs if isinstance(state, Dict) else ()
    return {key: child for key, child in pairs if isinstance(key, str)}


def _is_sizes(value: Value) -> TypeGuard[tuple[int, ...]]:
    if not isinstance(value, (tuple, list)):
        return False
    return all(type(size) is int and 0 <= size < 1 << 62 for size in value)
