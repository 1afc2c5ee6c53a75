"""Indexes of sharded checkpoints: `model.safetensors.index.json`, `pytorch_model.bin.index.json`.

An index maps each tensor to the file that holds it. The shards beside it are read, and what they
hold is compared with what the index says. Remarks: missing-shard, missing-tensor, extra-tensor,
wrong-total-size, path-escape.
Source: huggingface_hub 0.24, `serialization/_base.py`; transformers 4.x, `modeling_utils.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Status, Tensor
from modlint.claims import read_source
from modlint.errors import UnreadableError
from modlint.reader import Reader
from modlint.source import Source
from modlint_plugins.readers.beside import Escape, open_beside
from modlint_plugins.readers.contained import Contents, bare, is_inner
from modlint_plugins.readers.json_keys import MAX_JSON, is_object, may_hold_key
from modlint_plugins.readers.lfs_pointer import LfsPointerReader
from modlint_plugins.readers.safetensors.reader import SafetensorsReader
from modlint_plugins.readers.torch.legacy import TorchLegacyReader
from modlint_plugins.readers.torch.plain_pickle import PlainPickleReader
from modlint_plugins.readers.torch.zip import TorchZipReader

_SAMPLE = 1 << 16
_KEY = "weight_map"
_MAX_TENSORS = 250_000
_MAX_SHARDS = 10_000
_NAMED = 3
_DOWNLOAD = "download every file of the checkpoint into one folder"


class ShardIndexReader:
    """An index, and the shards beside it."""

    name = "shard-index"
    description = "indexes of sharded safetensors and PyTorch files; reads the shards beside"
    family = "text"

    def sniff(self, source: Source) -> bool:
        """Whether the file is JSON with a weight_map, and files may stand beside it."""
        if not is_object(source.view) or not may_hold_key(source.view, _KEY):
            return False
        return not is_inner(source) and _maps_weights(source)

    def read(self, source: Source) -> Checkpoint:
        """Read the index and its shards; tensors stay mapped in the shards.

        Raises:
            UnreadableError: the index is damaged, or exceeds a limit.
        """
        weight_map, metadata = _parse(source)
        index = _Index(source, weight_map)
        index.read_shards()
        index.compare(metadata.get("total_size"))
        for key, value in metadata.items():
            if isinstance(value, (str, int, float)) and len(str(value)) <= 500:
                index.contents.metadata[f"index.{key[:500]}"] = value
        return replace(index.contents.checkpoint(self.name), shards=tuple(index.held))


class _Index:
    """One index being compared with its shards."""

    def __init__(self, source: Source, weight_map: dict[str, str]) -> None:
        self.contents = Contents(source)
        self.weight_map = weight_map
        self.held: dict[str, dict[str, Tensor]] = {}

    def read_shards(self) -> None:
        """Read each shard; one that cannot be read is remarked."""
        for name in dict.fromkeys(self.weight_map.values()):
            try:
                self.contents.allowance.check_time()
            except UnreadableError as error:
                self.contents.fault("limit", str(error))
                return
            try:
                shard = open_beside(self.contents.source.path, name)
            except Escape as escape:
                self.contents.remark("path-escape", str(escape), name)
                continue
            except UnreadableError as error:
                self._missing(name, str(error))
                continue
            self._read_shard(name, shard)

    def compare(self, total_size: Any) -> None:
        """Note where the index and the shards differ, and keep the tensors in its order."""
        absent: list[str] = []
        for name, shard in self.weight_map.items():
            tensor = self.held.get(shard, {}).pop(name, None)
            if tensor is not None:
                self.contents.tensors[name] = tensor
            elif shard in self.held:
                absent.append(name)
        self._tell("missing-tensor", absent, "{} of the index {} not in the shard it names")
        extra = [name for held in self.held.values() for name in held]
        self._tell("extra-tensor", extra, "{} of the shards {} not where the index says")
        whole = self.held.keys() == set(self.weight_map.values()) and not absent
        if whole:
            self._compare_size(total_size, self.contents.tensors.values())

    def _read_shard(self, name: str, source: Source) -> None:
        source = replace(source, opener=self.contents.source.opener)
        read = read_source(source, (*shard_readers(), LfsPointerReader()))
        if read[0].status in (Status.NOT_A_CHECKPOINT, Status.LFS_POINTER):
            what = "a Git LFS pointer" if read[0].status is Status.LFS_POINTER else "no checkpoint"
            self._missing(name, f"the file {name!r} is {what}")
            return
        shard = Contents(source)
        for checkpoint in read:
            shard.merge(replace(checkpoint, metadata={}), bare(name), None)
        self.contents.merge(replace(shard.checkpoint("shard"), tensors={}), bare(), None)
        self.held[name] = shard.tensors

    def _missing(self, name: str, what: str) -> None:
        self.contents.remark("missing-shard", f"{what}: {_DOWNLOAD}", name)

    def _tell(self, kind: str, names: list[str], message: str) -> None:
        if not names:
            return
        listed = ", ".join(repr(name[:200]) for name in names[:_NAMED])
        if len(names) > _NAMED:
            listed += f" and {len(names) - _NAMED:,} more"
        counted = f"{len(names):,} tensor{'s' if len(names) > 1 else ''}"
        verb = "are" if len(names) > 1 else "is"
        self.contents.remark(kind, f"{message.format(counted, verb)}: {listed}")

    def _compare_size(self, total_size: Any, tensors: Iterable[Tensor]) -> None:
        """Writers count every tensor, or what tensors share once."""
        tensors = tuple(tensors)
        every = sum(tensor.nbytes for tensor in tensors)
        once = sum({id(t.storage): t.storage.nbytes for t in tensors}.values())
        if isinstance(total_size, (int, float)) and total_size not in (every, once):
            message = f"the index states a total size of {total_size:,} bytes, the shards hold "
            self.contents.remark("wrong-total-size", f"{message}{every:,}")


def _maps_weights(source: Source) -> bool:
    """Whether the document has a weight_map; of a damaged one, whether its start names it."""
    if source.nbytes <= MAX_JSON:
        with suppress(ValueError, RecursionError):
            return _KEY in json.loads(bytes(source.view))
    return f'"{_KEY}"'.encode() in bytes(source.view[:_SAMPLE])


def _parse(source: Source) -> tuple[dict[str, str], dict[str, Any]]:
    if source.nbytes > MAX_JSON:
        raise UnreadableError(f"is an index of more than {MAX_JSON:,} bytes")
    try:
        document = json.loads(bytes(source.view), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"is a damaged index of shards: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableError("is a damaged index of shards: it is no JSON object")
    weight_map, metadata = document.get(_KEY), document.get("metadata")
    if not isinstance(weight_map, dict) or not all(
        isinstance(shard, str) for shard in weight_map.values()
    ):
        raise UnreadableError("is a damaged index of shards: it maps no tensors to files")
    if len(weight_map) > _MAX_TENSORS or len(set(weight_map.values())) > _MAX_SHARDS:
        raise UnreadableError(
            f"is an index of more than {_MAX_TENSORS:,} tensors or {_MAX_SHARDS:,} shards"
        )
    return weight_map, metadata if isinstance(metadata, dict) else {}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise ValueError("it names a key twice")
    return unique


def shard_readers() -> tuple[Reader, ...]:
    """Readers of the formats that a sharded checkpoint's files have."""
    return TorchZipReader(), TorchLegacyReader(), PlainPickleReader(), SafetensorsReader()
