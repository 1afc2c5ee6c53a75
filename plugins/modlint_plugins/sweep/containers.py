"""What a run of bytes holds, as each loader would take it apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from msgspec.structs import replace

from modlint.errors import UnreadableError
from modlint_plugins.archives.compiler_cache import artifacts
from modlint_plugins.archives.inflating import inflated
from modlint_plugins.archives.tar.archive import is_tar, walk
from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.archives.zip.chain import chain, is_chain
from modlint_plugins.archives.zip.readings import distinct, readings
from modlint_plugins.archives.zip.sharing import Sharing
from modlint_plugins.readers.contained import Allowance
from modlint_plugins.readers.packed import packed
from modlint_plugins.sweep.run import Run

Container = Callable[[Run, Allowance], Iterator[Run]]
"""From a run to what it holds; raises UnreadableError where a limit is reached."""

_MAX_INFLATED = 1 << 30


def inside(run: Run, allowance: Allowance) -> Iterator[Run]:
    """Every run that a run holds, whichever way it is read.

    Raises:
        UnreadableError: a limit is reached.
    """
    for container in CONTAINERS:
        yield from container(run, allowance)


def _zip(run: Run, allowance: Allowance) -> Iterator[Run]:
    """The members of an archive in every reading, and those of archives behind one another."""
    if is_chain(run.view):
        spans, _ = chain(run.view)
        for index, span in enumerate(spans):
            if span.start or span.end < len(run.view):
                view = run.view[span.start : span.end]
                yield run.within(view, f"archive {index}", span.start)
    archives = readings(run.view)
    siblings = frozenset(name for archive in archives for m in archive.entries for name in m.names)
    sharing = Sharing(len(run.view))
    for archive, member in distinct(archives):
        sharing.spend(member)
        yield from _zip_member(run, archive, member, siblings, allowance)
    for archive in archives:
        if archive.problem is not None:
            raise archive.problem


def _zip_member(
    run: Run, archive: Archive, member: Member, siblings: frozenset[str], allowance: Allowance
) -> Iterator[Run]:
    if archive.mapped(member):
        content = archive.content(member)
        at = member_offset(archive, member)
        yield run.within(content.view, member.name, at, siblings)
        return
    allowance.spend_member()
    most = min(allowance.most(member.stored), _MAX_INFLATED)
    allowance.spend_inflated(min(member.size, most), member.stored)
    yield run.within(archive.content(member, max(most, 1)).view, member.name, None, siblings)
    allowance.kept -= min(member.size, most)


def member_offset(archive: Archive, member: Member) -> int | None:
    """Offset of a member's bytes in its archive, None where its header is damaged."""
    try:
        return archive.offset(member)
    except UnreadableError:
        return None


def _tar(run: Run, allowance: Allowance) -> Iterator[Run]:
    if not is_tar(run.view):
        return
    tar = walk(run.view)
    siblings = frozenset(entry.name for entry in tar.entries)
    links: dict[str, list[str]] = {}
    for entry in tar.entries:
        if entry.link is not None:
            links.setdefault(PurePosixPath(entry.link).name, []).append(entry.name)
    for entry in tar.entries:
        allowance.spend_member()
        if entry.regular:
            content = entry.content(run.view, max(allowance.most(entry.stored), 1))
            at = entry.offset if entry.mapped else None
            yield run.within(content.view, entry.name, at, siblings)
            for name in links.get(PurePosixPath(entry.name).name, ()):
                allowance.spend_member()
                yield run.within(content.view, name, at, siblings)
    for start, end in tar.gaps:
        yield run.within(run.view[start:end], f"bytes at {start:,}", start)


def _stream(run: Run, allowance: Allowance) -> Iterator[Run]:
    found = inflated(run.view, allowance)
    if found is None:
        return
    name = run.name.rpartition(".")[0] or found.codec
    inner = run.within(found.view, found.codec, None)
    yield replace(inner, name=name)
    allowance.kept -= len(found.view)
    if found.end < len(run.view):
        yield run.within(run.view[found.end :], "trailing bytes", found.end)


def _msgpack(run: Run, allowance: Allowance) -> Iterator[Run]:
    for start, end in packed(run.view):
        allowance.spend_member()
        found = run.within(run.view[start:end], f"bytes at {start:,}", start)
        yield replace(found, nested=True)


def _compiled(run: Run, allowance: Allowance) -> Iterator[Run]:
    """What torch.compile kept."""
    for index, (start, end) in enumerate(artifacts(run.view)):
        allowance.spend_member()
        yield run.within(run.view[start:end], f"artifact {index}", start)


CONTAINERS: tuple[Container, ...] = (_zip, _tar, _stream, _msgpack, _compiled)
