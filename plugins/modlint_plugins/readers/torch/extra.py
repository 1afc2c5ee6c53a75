"""Archives within a PyTorch archive's members: no loader opens them, another program may."""

from __future__ import annotations

from collections.abc import Set

from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC, Archive
from modlint_plugins.readers.contained import Contents, prefixed
from modlint_plugins.readers.torch.reading import Reading

_COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0")
_LONGEST = 6


def examine_archives(
    source: Source, archive: Archive, storages: Set[str], reading: Reading
) -> None:
    """Examine each member that begins as an archive does, and keep what it holds.

    Few bytes mark compressed ones, and a storage may begin with any: those are left out.
    """
    contents = Contents(source)
    contents.allowance.budget = reading.budget
    for member in archive.entries:
        try:
            start = bytes(archive.peek(member, _LONGEST))
            magics = () if member.name in storages else _COMPRESSED
            if not start.startswith((LOCAL_MAGIC, *magics)):
                continue
            contents.allowance.spend_member()
            mapped = archive.mapped(member)
            if not mapped:
                contents.allowance.spend_inflated(member.size, member.stored)
            origin = archive.offset(member) if mapped else None
            contents.examine(archive.read(member), prefixed(member.name), origin)
        except UnreadableError as error:
            contents.fail(error, member.name)
    reading.tensors |= contents.tensors
    reading.traces += contents.pickles
    reading.members += contents.members
    reading.remarks.update(contents.remarks)
    reading.faults.update(contents.faults)
