"""Zip archives that are not PyTorch's plain checkpoints, each read by its layout."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Checkpoint
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC, Archive
from modlint_plugins.archives.zip.chain import is_chain
from modlint_plugins.archives.zip.readings import readings
from modlint_plugins.readers.containers.zip.bundle import read_bundle
from modlint_plugins.readers.containers.zip.distributed_part import read_part
from modlint_plugins.readers.containers.zip.exported_program import exported_layout, read_exported
from modlint_plugins.readers.containers.zip.torch_package import is_package, read_package
from modlint_plugins.readers.containers.zip.torchscript_json import (
    is_torchscript_json,
    read_torchscript_json,
)
from modlint_plugins.readers.torch.zip import TorchZipReader

_EMPTY_ZIP = b"PK\x05\x06"


class ZipReader:
    """Every zip archive that PyTorch's own reader does not claim."""

    name = "zip"
    description = (
        "torch.export .pt2, torch.package, distributed parts .distcp, TorchScript before 1.4, "
        ".npz, Stable-Baselines3, .mar, any zip that holds checkpoints"
    )
    family = "zip"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins as a zip archive does, and is not PyTorch's own."""
        begins = bytes(source.view[:4]) in (LOCAL_MAGIC, _EMPTY_ZIP)
        return begins and not TorchZipReader().sniff(source)

    def read(self, source: Source) -> Checkpoint:
        """Read the archive, and what its members hold.

        Raises:
            UnreadableError: it is cut off or damaged.
        """
        if is_chain(source.view):
            return read_part(source)
        archives = readings(source.view)
        return read_archives(source, archives or (_refused(source),))


def read_archives(source: Source, archives: Sequence[Archive]) -> Checkpoint:
    """Read an archive, in all its readings, by the layout that the first one has."""
    archive = archives[0]
    layout = exported_layout(archive)
    if layout is not None:
        return read_exported(source, archives, layout)
    if is_package(archive):
        return read_package(source, archives)
    if is_torchscript_json(archive):
        return read_torchscript_json(source, archives)
    return read_bundle(source, archives)


def _refused(source: Source) -> Archive:
    """What no loader reads; told as PyTorch would."""
    try:
        return Archive(source.view)
    except UnreadableError as error:
        raise UnreadableError(
            f"is a zip archive that is cut off or damaged: {error}",
            help="save or download it again",
            offset=error.offset,
        ) from error
