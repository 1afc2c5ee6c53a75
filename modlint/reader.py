"""What a reader is: it recognises a container by its content and reads it without executing it."""

from __future__ import annotations

from typing import Protocol

from modlint.checkpoint import Checkpoint
from modlint.source import Source

FORMAT_NOT_READ = "format-not-read"
"""The fault's kind where a reader knows the name of a format and does not read it."""


class Reader(Protocol):
    """One container format.

    Attributes:
        name: the format's name in reports ("torch-zip").
        description: one line for `modlint plugins`.
        family: the container family ("zip", "pickle", "safetensors", "protobuf", "text"). A file
            that readers of two families claim is a polyglot. Within one family, a reader that
            only names the file's format gives way to one that reads it.
    """

    name: str
    description: str
    family: str

    def sniff(self, source: Source) -> bool:
        """Whether the file's structure, never its name, is this format's; quick and total."""
        ...

    def read(self, source: Source) -> Checkpoint:
        """Read the file.

        Raises:
            UnreadableError: nothing of the file could be read; partial faults are returned in
                the checkpoint instead.
        """
        ...
