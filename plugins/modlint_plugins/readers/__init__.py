"""Readers of container formats: from bytes to a `Checkpoint`, nothing executed."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.reader import Reader


@hookimpl
def modlint_readers() -> Iterable[Reader]:
    """The formats that modlint reads, and those that it only names."""
    from modlint_plugins.readers.lfs_pointer import LfsPointerReader
    from modlint_plugins.readers.onnx import OnnxReader
    from modlint_plugins.readers.plain_pickle import PlainPickleReader
    from modlint_plugins.readers.recognised import recognised_readers
    from modlint_plugins.readers.safetensors import SafetensorsReader
    from modlint_plugins.readers.torch_legacy import TorchLegacyReader
    from modlint_plugins.readers.torch_zip import TorchZipReader

    readers: tuple[Reader, ...] = (
        TorchZipReader(),
        TorchLegacyReader(),
        PlainPickleReader(),
        SafetensorsReader(),
        OnnxReader(),
        LfsPointerReader(),
    )
    return (*readers, *recognised_readers(readers))
