"""What tensors and members begin with: programs and archives hide in their bytes."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from modlint.analysis.base import FileAnalysis
from modlint.checkpoint import Checkpoint, Storage
from modlint.errors import UnreadableError
from modlint.signatures import LONGEST, signature


class Opening(Struct, frozen=True):
    """A storage that begins as no tensor does.

    Attributes:
        name: a tensor that views it.
        member: the archive member that holds it, None for the file itself.
        offset: of its first byte in the file, None where it is not mapped.
        what: what begins so ("an ELF program").
    """

    name: str
    member: str | None
    offset: int | None
    what: str


class Openings(FileAnalysis[tuple[Opening, ...]], frozen=True):
    """First bytes of every storage."""

    name: ClassVar[str] = "openings"
    description: ClassVar[str] = "programs and archives at the start of a tensor's bytes"

    def compute(self, checkpoint: Checkpoint) -> tuple[Opening, ...]:
        """Look at the first bytes of each storage once."""
        members = {member.name: member for member in checkpoint.members}
        first: dict[Storage, str] = {}
        for tensor in checkpoint.tensors.values():
            first.setdefault(tensor.storage, tensor.name)
        found = []
        for storage, name in first.items():
            member = members.get(storage.member or "")
            try:
                compressed = member is not None and member.compressed
                data = member.read(LONGEST) if member and compressed else storage.read()
            except UnreadableError:
                continue  # what needs the tensor reports it
            what = signature(data)
            if what is not None:
                found.append(Opening(name, storage.member, storage.offset, what))
        return tuple(found)
