"""Archives of torch.package: pickles in the folders of a package, their storages in `.data`.

Source: torch 2.13, `package/package_exporter.py` and `package_importer.py`, `load_pickle`.
"""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Checkpoint, Storage
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.archives.zip.readings import distinct
from modlint_plugins.readers.contained import Contents, bare, prefixed
from modlint_plugins.readers.containers.zip.bundle import keep_structure, open_member, open_storage
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading, Segment
from modlint_plugins.readers.torch.storages import Reference, StorageTable
from modlint_plugins.readers.torch.tensors import TensorCollector

FORMAT = "torch-package"
_MARK = ".data/extern_modules"
_STORAGE = ".storage"
_PICKLE = ".pkl"


def is_package(archive: Archive) -> bool:
    """Whether torch.package wrote an archive."""
    return archive.folder is not None and archive.find(f"{archive.folder}/{_MARK}") is not None


def read_package(source: Source, archives: Sequence[Archive]) -> Checkpoint:
    """Read the tensors of every pickle, and examine every member."""
    contents = Contents(source)
    first = archives[0]
    keep_structure(contents, first)
    storages = f"{first.folder}/.data/"
    for archive, member in distinct(archives):
        try:
            contents.allowance.spend_member()
        except UnreadableError as error:
            contents.fault("limit", str(error))
            break
        if member.name.startswith(storages) and member.name.endswith(_STORAGE):
            open_storage(contents, archive, member)
        elif archive is first and member.name.endswith(_PICKLE):
            _read_pickle(contents, archive, member)
        else:
            open_member(contents, archive, member, prefixed(member.name))
    return contents.checkpoint(FORMAT)


def _read_pickle(contents: Contents, archive: Archive, member: Member) -> None:
    """Read the object of a pickle; its tensors are called by the pickle's path."""
    reading = Reading(open_nested, contents.allowance.budget)
    table = StorageTable(lambda reference: _storage(archive, reference))
    try:
        view = archive.read(member)
        origin = archive.offset(member) if archive.mapped(member) else None
    except UnreadableError as error:
        contents.fail(error, member.name)
        return
    found = reading.interpret(Segment(view, member.name, origin), resolve=table.resolve)
    if found.trace.incomplete is None:
        reading.scan_further(Segment(view, member.name, origin), found.end)
    collector = TensorCollector(reading)
    collector.collect(found.value, _path(archive, member))
    read = collector.checkpoint(contents.source, FORMAT)
    contents.merge(read, bare(), None)


def _path(archive: Archive, member: Member) -> str:
    """A member's path in the package, joined by dots."""
    inner = member.name.removeprefix(f"{archive.folder}/").removesuffix(_PICKLE)
    return inner.replace("/", ".")


def _storage(archive: Archive, reference: Reference) -> Storage:
    name = f"{archive.folder}/.data/{reference.key}{_STORAGE}"
    member = archive.find(name)
    if member is None:
        raise UnreadableError("the archive lacks this storage", member=name)
    mapped = archive.mapped(member)
    offset = archive.offset(member) if mapped else None
    if mapped:
        archive.read(member)
    else:
        archive.claim(member)
    return Storage(
        reference.key,
        member.size,
        lambda: archive.read(member),
        member.name,
        offset,
        reference.location,
    )
