"""Zip archives that carry checkpoints: .npz, Stable-Baselines3, .mar and others."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.tar.archive import is_tar
from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.archives.zip.directory import END_MAGIC, LOCAL_MAGIC
from modlint_plugins.archives.zip.readings import distinct
from modlint_plugins.archives.zip.sharing import Sharing
from modlint_plugins.pickling.opcodes.table import has_header
from modlint_plugins.readers.contained import Contents, Naming, prefixed
from modlint_plugins.readers.containers.serialized_json import scan_serialized
from modlint_plugins.readers.numpy.header import MAGIC as NUMPY_MAGIC
from modlint_plugins.readers.torch.members import note_archive
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading

_MARKS = (LOCAL_MAGIC, END_MAGIC, NUMPY_MAGIC, b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0")
_LONGEST_MARK = 512
_UNPACK = "unpack it and check what is inside"
_ARRAY = "array"
"""What the reader of .npy files calls its array."""


def read_bundle(source: Source, archives: Sequence[Archive]) -> Checkpoint:
    """Read every member, of every reading of the archive, that a reader recognises."""
    contents = Contents(source)
    first = archives[0]
    keep_structure(contents, first)
    kind = _kind(first)
    found = False
    sharing = Sharing(source.nbytes)
    for archive, member in distinct(archives):
        try:
            contents.allowance.spend_member()
            sharing.spend(member)
        except UnreadableError as error:
            contents.fault("limit", str(error), error.member)
            break
        naming = _array_naming(member.name) if kind == "npz" else prefixed(member.name)
        found |= open_member(contents, archive, member, naming)
    if not found and not contents.faults:
        remark = Remark("not-a-checkpoint", "is a zip archive", help=_UNPACK)
        return Checkpoint(
            source.path,
            kind,
            source.nbytes,
            Status.NOT_A_CHECKPOINT,
            remarks=(*contents.remarks, remark),
            members=tuple(contents.members),
        )
    return contents.checkpoint(kind)


def keep_structure(contents: Contents, archive: Archive) -> None:
    """Keep the archive's members, and what is odd about its structure."""
    reading = Reading(open_nested, contents.allowance.budget)
    note_archive(reading, archive)
    contents.members += reading.members
    contents.remarks.update(reading.remarks)
    contents.faults.update(reading.faults)


def open_member(
    contents: Contents, archive: Archive, member: Member, naming: Naming, tensors: bool = True
) -> bool:
    """Examine a member of an archive, as much as can be had of it; whether it is a checkpoint."""
    if member.name.endswith("/") and not member.size:
        return False
    mapped = archive.mapped(member)
    try:
        if not mapped:
            contents.allowance.spend_inflated(member.size, member.stored)
        content = archive.content(member)
        origin = archive.offset(member) if mapped and content.problem is None else None
        found = contents.examine(content.view, naming, origin, tensors)
        found |= scan_serialized(contents, content.view, member.name)
    except UnreadableError as error:
        contents.fail(_explained(error, member), member.name)
        return False
    if content.problem is not None:
        contents.fail(_explained(UnreadableError(content.problem), member), member.name)
    elif not found and member.encrypted:
        contents.fail(UnreadableError("is encrypted, and cannot be examined"), member.name)
    if not found and not mapped:
        contents.allowance.kept -= member.size
    return found


def open_storage(contents: Contents, archive: Archive, member: Member) -> None:
    """Examine a member that is a tensor's bytes: a few numbers may look like anything.

    What begins with the mark of a container or of a pickle is examined as any member; it was
    read as a tensor already, and stays one.
    """
    try:
        start = archive.peek(member, _LONGEST_MARK)
        if not is_marked(start):
            return
    except UnreadableError as error:
        contents.fail(_explained(error, member), member.name)
        return
    message = f"the bytes of a tensor, in member {member.name!r}, are a container or a pickle"
    if open_member(contents, archive, member, prefixed(member.name), tensors=False):
        contents.remark("hidden-pickle", message, member.name, 0)


def is_marked(start: memoryview) -> bool:
    """Whether bytes begin as a container, or as a pickle of protocol 2 or later."""
    return has_header(start) or is_tar(start) or bytes(start[:6]).startswith(_MARKS)


def _explained(error: UnreadableError, member: Member) -> UnreadableError:
    return UnreadableError(f"is encrypted: {error}") if member.encrypted else error


def _kind(archive: Archive) -> str:
    names = {member.name for member in archive.entries}
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    if "_stable_baselines3_version" in names or {"data", "policy.pth"} <= names:
        return "stable-baselines3"
    if "MAR-INF/MANIFEST.json" in names:
        return "torch-model-archive"
    return "keras" if "model.weights.h5" in names else "zip"


def _array_naming(member: str) -> Naming:
    """A .npz names its arrays as its members, less the ending."""
    stem = member.removesuffix(".npy")

    def tensor(name: str, _section: str) -> tuple[str, str]:
        return stem + name.removeprefix(_ARRAY), ""

    return Naming(member, tensor)
