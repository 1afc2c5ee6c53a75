"""Readers of container formats: from bytes to a `Checkpoint`, nothing executed."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.reader import Reader


@hookimpl
def modlint_readers() -> Iterable[Reader]:
    """The formats that modlint reads, and those that it only names."""
    from modlint_plugins.readers.containers.compressed import CompressedReader
    from modlint_plugins.readers.containers.tar import TarReader
    from modlint_plugins.readers.containers.zip.reader import ZipReader
    from modlint_plugins.readers.containers.zip.tail import ZipTailReader
    from modlint_plugins.readers.gguf import GgufReader
    from modlint_plugins.readers.lfs_pointer import LfsPointerReader
    from modlint_plugins.readers.numpy.reader import NumpyReader
    from modlint_plugins.readers.onnx.reader import OnnxReader
    from modlint_plugins.readers.recognised.reader import recognised_readers
    from modlint_plugins.readers.shard_index import ShardIndexReader, shard_readers
    from modlint_plugins.readers.torch.distributed import DistributedReader

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
