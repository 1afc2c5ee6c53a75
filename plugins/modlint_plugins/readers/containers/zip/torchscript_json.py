"""TorchScript as PyTorch 1.0 to 1.3 wrote it: model.json names modules and tensors.

Source: pytorch v1.3, `torch/csrc/jit/script/module_def.proto`, `import_legacy.cpp`,
`caffe2/proto/torch.proto` (numbers of 64 bits are strings in JSON).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set
from typing import Any

from modlint.checkpoint import Checkpoint, Storage
from modlint.dtypes import DTYPES
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.archives.zip.readings import distinct
from modlint_plugins.readers.contained import Contents, prefixed
from modlint_plugins.readers.containers.zip.bundle import keep_structure, open_member, open_storage
from modlint_plugins.readers.containers.zip.stated_tensor import Stated, stated_tensor

_MAX_JSON = 64 << 20
_MAX_DEPTH = 100
_TYPES = {
    "FLOAT": "float32", "INT32": "int32", "BOOL": "bool", "UINT8": "uint8", "INT8": "int8",
    "UINT16": "uint16", "INT16": "int16", "INT64": "int64", "FLOAT16": "float16",
    "DOUBLE": "float64", "BFLOAT16": "bfloat16", "BYTE": "uint8",
}  # fmt: skip


def is_torchscript_json(archive: Archive) -> bool:
    """Whether an archive's one folder has a model.json, and no pickle."""
    return next(_models(archive), None) is not None


def read_torchscript_json(source: Source, archives: Sequence[Archive]) -> Checkpoint:
    """Read the modules' tensors, and examine every member of every reading."""
    contents = Contents(source)
    archive = archives[0]
    keep_structure(contents, archive)
    member = next(_models(archive))
    document = _document(contents, archive, member)
    folder = member.name.rpartition("/")[0]
    tensors = document.get("tensors") or []
    storages = _Storages(archive, folder)
    used: set[int] = set()
    for name, index in _parameters(document.get("mainModule"), ""):
        used.add(index)
        _add(contents, storages, name, tensors, index)
    for index in range(len(tensors)):
        if index not in used:
            _add(contents, storages, f"constants.{index}", tensors, index)
    for key in ("producerName", "producerVersion", "protoVersion"):
        if isinstance(document.get(key), str):
            contents.metadata[f"archive.{key}"] = document[key][:500]
    _examine_members(contents, archives, storages.names)
    return contents.checkpoint("torchscript")


def _examine_members(contents: Contents, archives: Sequence[Archive], storages: Set[str]) -> None:
    for archive, member in distinct(archives):
        try:
            contents.allowance.spend_member()
        except UnreadableError as error:
            contents.fault("limit", str(error))
            return
        if member is archives[0].members.get(member.name) and member.name in storages:
            open_storage(contents, archive, member)
        else:
            open_member(contents, archive, member, prefixed(member.name))


def _models(archive: Archive) -> Iterator[Member]:
    for member in archive.entries:
        if member.name.count("/") == 1 and member.name.endswith("/model.json"):
            folder = member.name.removesuffix("model.json")
            lists_code = any(m.name.startswith(f"{folder}code/") for m in archive.entries)
            if lists_code or f"{folder}version" in archive.members:
                yield member


def _document(contents: Contents, archive: Archive, member: Member) -> dict[str, Any]:
    """What model.json says; nothing, and a fault, where it is damaged."""
    try:
        document = json.loads(bytes(archive.read(member, _MAX_JSON)))
    except UnreadableError as error:
        contents.fail(error, member.name)
        return {}
    except (ValueError, RecursionError):
        contents.fail(UnreadableError("is damaged JSON"), member.name)
        return {}
    if isinstance(document, dict) and isinstance(document.get("tensors") or [], list):
        return document
    contents.fail(UnreadableError("does not describe a TorchScript module"), member.name)
    return {}


def _parameters(module: Any, prefix: str, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Names of a module's parameters, buffers and tensor attributes, and their tensors' index."""
    if not isinstance(module, dict) or depth > _MAX_DEPTH:
        return
    for parameter in _list(module, "parameters"):
        yield from _reference(parameter, "tensorId", prefix)
    for attribute in _list(module, "attributes"):
        if isinstance(attribute, dict) and attribute.get("type") == "Tensor":
            yield from _reference(attribute, "id", prefix)
    for submodule in _list(module, "submodules"):
        if isinstance(submodule, dict):
            name = str(submodule.get("name", ""))[:500]
            yield from _parameters(submodule, f"{prefix}{name}.", depth + 1)


def _reference(item: Any, key: str, prefix: str) -> Iterator[tuple[str, int]]:
    """JSON leaves out what is zero."""
    if isinstance(item, dict):
        index = _number(item.get(key, 0))
        if index is not None:
            yield f"{prefix}{str(item.get('name', ''))[:500]}", index


def _list(module: dict[str, Any], key: str) -> list[Any]:
    items = module.get(key)
    return items if isinstance(items, list) else []


def _add(
    contents: Contents, storages: _Storages, name: str, tensors: list[Any], index: int
) -> None:
    try:
        if not 0 <= index < len(tensors):
            raise UnreadableError(f"tensor {name!r} is number {index:,}, which is not listed")
        stated, key = _stated(name, tensors[index])
        contents.add_tensor(stated_tensor(stated, storages.get(key)))
    except UnreadableError as error:
        contents.fail(error)


class _Storages:
    """The members that hold tensors' bytes; tensors that name the same one share it."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self.archive = archive
        self.folder = folder
        self._made: dict[str, Storage] = {}

    @property
    def names(self) -> Set[str]:
        """Names of the members that tensors use."""
        return {f"{self.folder}/{key}" for key in self._made}

    def get(self, key: str) -> Storage:
        """The storage of a key.

        Raises:
            UnreadableError: it is missing or damaged.
        """
        if key not in self._made:
            self._made[key] = self._make(f"{self.folder}/{key}")
        return self._made[key]

    def _make(self, name: str) -> Storage:
        archive = self.archive
        member = archive.members.get(name)
        if member is None:
            raise UnreadableError("the archive lacks this storage", member=name)
        offset = archive.offset(member) if archive.mapped(member) else None
        key = name.rpartition("/")[2]
        return Storage(key, member.size, lambda: archive.read(member), name, offset)


def _stated(name: str, entry: Any) -> tuple[Stated, str]:
    try:
        shape = tuple(int(size) for size in entry.get("dims", ()))
        strides = tuple(int(step) for step in entry.get("strides", ()))
        offset = int(entry.get("offset", 0))
        dtype = DTYPES[_TYPES[entry["dataType"]]]
        return Stated(name, dtype, shape, strides, offset), str(entry["data"]["key"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableError(f"tensor {name!r} is not described as PyTorch did") from error


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
