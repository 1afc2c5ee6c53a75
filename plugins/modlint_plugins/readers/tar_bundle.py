"""Tar archives: PyTorch's own before 0.1.10, and any other that carries checkpoints."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import partial

from modlint.checkpoint import Checkpoint, Member, Remark, Status
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.contained import Contents, bare, prefixed
from modlint_plugins.readers.remarks import unused
from modlint_plugins.readers.serialized_json import scan_serialized
from modlint_plugins.readers.tar_archive import TarEntry, is_tar, tar_entries
from modlint_plugins.readers.torch_tar import is_torch_tar, read_torch_tar

_PIECE = 1 << 16


class TarReader:
    """A tar archive."""

    name = "tar"
    description = "PyTorch's tar files (before 0.1.10), and tar archives of checkpoints"
    family = "tar"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins with a tar header."""
        return is_tar(source.view)

    def read(self, source: Source) -> Checkpoint:
        """Read PyTorch's members as one checkpoint, and every other that a reader recognises."""
        contents = Contents(source)
        entries = _entries(contents)
        files = {entry.name.removeprefix("./"): entry for entry in reversed(entries)}
        torch_tar = is_torch_tar(files)
        own: set[int] = set()
        if torch_tar:
            contents.merge(read_torch_tar(source, files), bare(), 0)
            own = {
                id(files[name])
                for name in ("sys_info", "pickle", "storages", "tensors")
                if name in files
            }
        found = torch_tar
        for entry in entries:
            if entry.regular and id(entry) not in own:
                try:
                    contents.allowance.spend_member()
                except UnreadableError as error:
                    contents.fault("limit", str(error))
                    break
                found |= _examine(contents, entry)
        if found or contents.faults:
            return contents.checkpoint("torch-tar" if torch_tar else "tar")
        remark = Remark(
            "not-a-checkpoint", "is a tar archive", help="unpack it and check what is inside"
        )
        return Checkpoint(
            source.path,
            "tar",
            source.nbytes,
            Status.NOT_A_CHECKPOINT,
            remarks=(*contents.remarks, remark),
            members=tuple(contents.members),
        )


def _entries(contents: Contents) -> tuple[TarEntry, ...]:
    """The archive's entries up to the first damage, which becomes a fault."""
    entries: list[TarEntry] = []
    walk = tar_entries(contents.source.view)
    try:
        while True:
            entries.append(next(walk))
            _note(contents, entries[-1])
    except StopIteration as stop:
        _examine_rest(contents, stop.value)
    except UnreadableError as error:
        contents.fault("damaged-archive", str(error))
    return tuple(entries)


def _examine_rest(contents: Contents, end: int) -> None:
    """Look at what follows the zeros that end the archive."""
    view = contents.source.view
    for at in range(end, len(view), _PIECE):
        piece = bytes(view[at : at + _PIECE])
        if data := piece.lstrip(b"\0"):
            start = at + len(piece) - len(data)
            what = "follow the end of the tar archive"
            contents.remarks.add(unused(view, "trailing-bytes", what, start, len(view)))
            contents.examine(view[start:], bare("trailing bytes"), start)
            return


def _note(contents: Contents, entry: TarEntry) -> None:
    view = contents.source.view[entry.offset : entry.offset + entry.nbytes]
    chunks = partial(_whole, view)
    contents.members.append(Member(entry.name, entry.nbytes, entry.nbytes, chunks, entry.offset))
    if entry.link is not None and _escapes(entry.name, entry.link):
        message = f"member {entry.name!r} links to {entry.link!r}, outside of the archive"
        contents.remark("path-escape", message, entry.name, entry.header)


def _whole(view: memoryview) -> Iterator[memoryview]:
    yield view


def _escapes(name: str, link: str) -> bool:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    return target.startswith(("/", "../")) or target == ".."


def _examine(contents: Contents, entry: TarEntry) -> bool:
    view = contents.source.view[entry.offset : entry.offset + entry.nbytes]
    found = contents.examine(view, prefixed(entry.name), entry.offset)
    return scan_serialized(contents, view, entry.name) or found
