"""Zip archives that carry checkpoints: .npz, Stable-Baselines3, .mar and others."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.contained import Contents, Naming, prefixed
from modlint_plugins.readers.nested_checkpoint import open_nested
from modlint_plugins.readers.serialized_json import scan_serialized
from modlint_plugins.readers.torch_reading import Reading
from modlint_plugins.readers.zip_archive import Archive, Member
from modlint_plugins.readers.zip_members import note_archive

_UNPACK = "unpack it and check what is inside"
_ARRAY = "array"
"""What the reader of .npy files calls its array."""


def read_bundle(source: Source, archive: Archive) -> Checkpoint:
    """Read every member that a reader recognises."""
    contents = Contents(source)
    keep_structure(contents, archive)
    kind = _kind(archive)
    npz = kind == "npz"
    found = False
    for member in archive.entries:
        try:
            contents.allowance.spend_member()
        except UnreadableError as error:
            contents.fault("limit", str(error))
            break
        naming = _array_naming(member.name) if npz else prefixed(member.name)
        found |= open_member(contents, archive, member, naming)
    if not found and not contents.faults:
        remark = Remark("not-a-checkpoint", "is a zip archive", help=_UNPACK)
        return Checkpoint(
            source.path,
            kind,
            source.nbytes,
            Status.NOT_A_CHECKPOINT,
            remarks=(remark,),
            members=tuple(contents.members),
        )
    return contents.checkpoint(kind)


def keep_structure(contents: Contents, archive: Archive) -> None:
    """Keep the archive's members, and what is odd about its structure."""
    reading = Reading(open_nested, contents.allowance.budget)
    note_archive(reading, archive)
    contents.members += reading.members
    contents.remarks.update(reading.remarks)


def open_member(
    contents: Contents, archive: Archive, member: Member, naming: Naming, tensors: bool = True
) -> bool:
    """Examine a member of an archive; whether it holds a checkpoint."""
    if member.name.endswith("/") and not member.size:
        return False
    mapped = archive.mapped(member)
    try:
        if not mapped:
            contents.allowance.spend_inflated(member.size, member.stored)
        view = archive.read(member)
        found = contents.examine(view, naming, archive.offset(member) if mapped else None, tensors)
        found |= scan_serialized(contents, view, member.name)
    except UnreadableError as error:
        contents.fail(_explained(error, member), member.name)
        return False
    if not found and not mapped:
        contents.allowance.kept -= member.size
    if not found and member.encrypted:
        contents.fail(UnreadableError("is encrypted, and cannot be examined"), member.name)
    return found


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
