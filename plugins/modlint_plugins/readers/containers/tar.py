"""Tar archives: PyTorch's own before 0.1.10, and any other that carries checkpoints."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from functools import partial

from modlint.checkpoint import Checkpoint, Member, Remark, Status
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.tar.archive import Tar, TarEntry, is_tar, walk
from modlint_plugins.readers.contained import MAX_KEPT, Contents, bare, prefixed
from modlint_plugins.readers.containers.serialized_json import scan_serialized
from modlint_plugins.readers.torch.tar import is_torch_tar, read_torch_tar
from modlint_plugins.remarks import unused

_OWN = ("sys_info", "pickle", "storages", "tensors")


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
        tar = walk(source.view)
        for offset, problem in tar.problems:
            contents.fault("damaged-archive", f"the tar archive {problem} (at byte {offset:,})")
        for entry in tar.entries:
            _note(contents, entry)
        files = {entry.name.removeprefix("./"): entry for entry in reversed(tar.entries)}
        torch_tar = is_torch_tar(files)
        own: set[int] = set()
        if torch_tar:
            own = _read_own(contents, files)
        found = torch_tar
        for entry in tar.entries:
            if entry.regular and id(entry) not in own:
                try:
                    contents.allowance.spend_member()
                except UnreadableError as error:
                    contents.fault("limit", str(error))
                    break
                found |= _examine(contents, entry)
        _examine_gaps(contents, tar)
        if found or contents.faults or contents.pickles:
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


def _read_own(contents: Contents, files: Mapping[str, TarEntry]) -> set[int]:
    """Read PyTorch's members; the identities of those that were read."""
    try:
        contents.merge(read_torch_tar(contents.source, files), bare(), 0)
    except UnreadableError as error:
        contents.fail(error)
        return set()
    return {id(files[name]) for name in _OWN if name in files and files[name].mapped}


def _examine_gaps(contents: Contents, tar: Tar) -> None:
    """Look at what belongs to no member: behind damage, and behind the end."""
    view = contents.source.view
    for start, end in tar.gaps:
        what = "follow the end of the tar archive" if start >= tar.last else "belong to no member"
        contents.remarks.add(unused(view, "trailing-bytes", what, start, end))
        contents.examine(view[start:end], bare("trailing bytes"), start)


def _note(contents: Contents, entry: TarEntry) -> None:
    view = contents.source.view
    chunks = partial(_chunks, entry, view)
    offset = entry.offset if entry.mapped else None
    contents.members.append(
        Member(entry.name, entry.nbytes, entry.stored, chunks, offset, not entry.mapped)
    )
    if entry.link is not None and _escapes(entry.name, entry.link):
        message = f"member {entry.name!r} links to {entry.link!r}, outside of the archive"
        contents.remark("path-escape", message, entry.name, entry.header)


def _chunks(entry: TarEntry, view: memoryview) -> Iterator[memoryview]:
    content = entry.content(view, MAX_KEPT)
    yield content.view
    if content.problem is not None:
        raise UnreadableError(content.problem, member=entry.name)


def _escapes(name: str, link: str) -> bool:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    return target.startswith(("/", "../")) or target == ".."


def _examine(contents: Contents, entry: TarEntry) -> bool:
    """Examine a member; a sparse one is put together in memory."""
    try:
        if not entry.mapped:
            contents.allowance.spend_inflated(entry.nbytes, entry.stored)
    except UnreadableError as error:
        contents.fail(error, entry.name)
        return False
    content = entry.content(contents.source.view, MAX_KEPT)
    if content.problem is not None:
        contents.fail(UnreadableError(content.problem), entry.name)
    origin = entry.offset if entry.mapped else None
    found = contents.examine(content.view, prefixed(entry.name), origin)
    found |= scan_serialized(contents, content.view, entry.name)
    if not found and not entry.mapped:
        contents.allowance.kept -= entry.nbytes
    return found
