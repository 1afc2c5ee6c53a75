"""What readers and sweeps are: they look into a file without executing anything in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from modlint.checkpoint import Checkpoint, Remark
from modlint.pickles import PickleTrace
from modlint.source import Source

FORMAT_NOT_READ = "format-not-read"
"""The fault's kind where a reader knows the name of a format and does not read it."""

CODE_NOT_READ = frozenset({"unexamined-code", "unparsed-code"})
"""Kinds of remark on code, or what a loader takes for code, that was not examined."""

_HEADER_SUFFICES = frozenset({"gguf"})
"""Formats whose header holds all that can do harm: what is not read of them is numbers."""


class Reader(Protocol):
    """One container format.

    A reader that names what is no checkpoint may say so with ``sought = False``: in folders,
    nothing is checked for being claimed by it.

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


class Found(Struct, frozen=True):
    """What a sweep found beyond what the readers explained.

    Attributes:
        pickles: further pickles, as interpreted.
        remarks: what it noticed.
        faults: what it could not search.
    """

    pickles: tuple[PickleTrace, ...] = ()
    remarks: tuple[Remark, ...] = ()
    faults: tuple[Remark, ...] = ()


class Sweep(Protocol):
    """A search of every byte of a file, whatever readers recognised in it.

    Attributes:
        name: for `modlint plugins`.
        description: one line for `modlint plugins`.
    """

    name: str
    description: str

    def sweep(self, source: Source, checkpoints: Sequence[Checkpoint]) -> Found:
        """Search the file; never raises for what is in it.

        Args:
            source: the file.
            checkpoints: what each reader that claimed the file made of it.
        """
        ...


def is_header_only(checkpoint: Checkpoint) -> bool:
    """Whether all but the numbers was examined, by design: they can do no harm."""
    kinds = {fault.kind for fault in checkpoint.faults}
    known = checkpoint.format in _HEADER_SUFFICES and bool(checkpoint.metadata)
    return known and kinds == {FORMAT_NOT_READ}
