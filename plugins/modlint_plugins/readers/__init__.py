"""Readers of container formats: from bytes to a `Checkpoint`, nothing executed."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.reader import Reader


@hookimpl
def modlint_readers() -> Iterable[Reader]:
    """The formats that modlint reads, and those that it only names."""
    from modlint_plugins.readers.compressed import CompressedReader
    from modlint_plugins.readers.distributed import DistributedReader
    from modlint_plugins.readers.gguf import GgufReader
    from modlint_plugins.readers.lfs_pointer import LfsPointerReader
    from modlint_plugins.readers.numpy_array import NumpyReader
    from modlint_plugins.readers.onnx import OnnxReader
    from modlint_plugins.readers.recognised import recognised_readers
    from modlint_plugins.readers.shard_index import ShardIndexReader
    from modlint_plugins.readers.tar_bundle import TarReader
    from modlint_plugins.readers.zip_other import ZipReader
    from modlint_plugins.readers.zip_tail import ZipTailReader

    readers: tuple[Reader, ...] = (
        *shard_readers(),
        ZipReader(),
        DistributedReader(),
        ShardIndexReader(),
        NumpyReader(),
        TarReader(),
        CompressedReader(),
        OnnxReader(),
        GgufReader(),
        ZipTailReader(),
        LfsPointerReader(),
    )
    return (*readers, *recognised_readers(readers))


def shard_readers() -> tuple[Reader, ...]:
    """Readers of the formats that a sharded checkpoint's files have."""
    from modlint_plugins.readers.plain_pickle import PlainPickleReader
    from modlint_plugins.readers.safetensors import SafetensorsReader
    from modlint_plugins.readers.torch_legacy import TorchLegacyReader
    from modlint_plugins.readers.torch_zip import TorchZipReader

    return TorchZipReader(), TorchLegacyReader(), PlainPickleReader(), SafetensorsReader()
