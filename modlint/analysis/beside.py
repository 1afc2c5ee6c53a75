"""What stands beside a checkpoint: the names in its folder, and the documents that loaders read."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable, UnreadableError
from modlint.looks import Look, look_at
from modlint.source import open_source

MAX_FILES = 20_000
"""Names of a folder that are looked at."""
MAX_DOCUMENT = 64 << 20
"""Bytes of a document that is parsed; tokenizers of 250,000 tokens take 34 MB."""
MAX_VALUES = 4_000_000
"""Values of a document that is parsed: each takes some 100 bytes of memory; such tokenizers have
2,600,000."""


class NoFolderError(Unavailable):
    """The checkpoint lies in memory or in an archive: nothing stands beside it."""


class Folder(Struct, frozen=True):
    """The folder of a file.

    Attributes:
        path: where it is.
        files: by name, the size of each file in bytes, None for a link that leads nowhere.
        folders: names of the folders in it.
    """

    path: Path
    files: Mapping[str, int | None] = {}
    folders: frozenset[str] = frozenset()


class Beside(FileAnalysis[Folder], frozen=True):
    """The names that stand beside the file, itself among them.

    Attributes:
        above: how many folders further up to list: 1 for the names beside its folder.
    """

    above: int = 0

    name: ClassVar[str] = "beside"
    description: ClassVar[str] = "names and sizes of the files in the checkpoint's folder"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> Folder:  # noqa: ARG002
        """List the folder.

        Raises:
            NoFolderError: the checkpoint lies in memory or in an archive.
            Unavailable: its folder cannot be listed, or holds more than `MAX_FILES` names.
        """
        if not os.path.lexists(checkpoint.path):
            raise NoFolderError("the checkpoint is no file of its own: nothing stands beside it")
        files: dict[str, int | None] = {}
        folders: set[str] = set()
        place = checkpoint.path.parent.joinpath(*[".."] * self.above)
        look_at(Look.NAMES, place)
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if len(files) + len(folders) >= MAX_FILES:
                        raise Unavailable(f"its folder holds more than {MAX_FILES:,} files")
                    if entry.is_dir():
                        folders.add(entry.name)
                    else:
                        files[entry.name] = _size(entry)
        except OSError as error:
            raise Unavailable(f"its folder cannot be listed: {error.strerror or error}") from error
        return Folder(place, files, frozenset(folders))


class Document(FileAnalysis["Mapping[str, Any] | None"], frozen=True):
    """A JSON object that stands beside the file; None where there is no file of that name.

    Attributes:
        file: its name ("config.json"), in the checkpoint's folder.
    """

    file: str

    name: ClassVar[str] = "document"
    description: ClassVar[str] = "a JSON file beside the checkpoint, parsed"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Parse it.

        Raises:
            Unavailable: it cannot be read, is too long, or is no JSON object.
        """
        return self.beside(checkpoint)

    def beside(self, checkpoint: Checkpoint) -> Mapping[str, Any] | None:
        """Parse it, outside of an examination too.

        Raises:
            Unavailable: it cannot be read, is too long, or is no JSON object.
        """
        path = checkpoint.path.parent / self.file
        look_at(Look.CONTENT, path)
        if not os.path.lexists(checkpoint.path) or not path.is_file():
            return None
        try:
            view = open_source(path).view
        except UnreadableError as error:
            raise Unavailable(f"{self.file} {error}") from error
        if len(view) > MAX_DOCUMENT:
            raise Unavailable(f"{self.file} is longer than {MAX_DOCUMENT:,} bytes")
        content = bytes(view)
        if sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
            raise Unavailable(f"{self.file} holds more than {MAX_VALUES:,} values")
        try:
            parsed = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Unavailable(f"{self.file} is no JSON: {error}") from error
        if not isinstance(parsed, dict):
            raise Unavailable(f"{self.file} holds no JSON object")
        return parsed


def _size(entry: os.DirEntry[str]) -> int | None:
    try:
        status = entry.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
