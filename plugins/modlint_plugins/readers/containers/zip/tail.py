"""Zip archives at the end of another file: programs that search for the directory find them."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint
from modlint.source import Source
from modlint_plugins.archives.zip.archive import Archive
from modlint_plugins.archives.zip.chain import chain
from modlint_plugins.archives.zip.directory import END, END_MAGIC, LOCAL_MAGIC
from modlint_plugins.archives.zip.readings import readings
from modlint_plugins.readers.contained import Contents, bare
from modlint_plugins.readers.containers.zip.reader import read_archives

_COMMENT = 0xFFFF


class ZipTailReader:
    """A file that begins as something else and ends as a zip archive does."""

    name = "zip-tail"
    description = "zip archives behind another file's bytes (polyglots)"
    family = "zip"

    def sniff(self, source: Source) -> bool:
        """Whether the last bytes are a zip archive's, and the first ones are not."""
        if source.startswith(LOCAL_MAGIC) or not _ends_as_zip(source.view):
            return False
        return any(_start(archive) > 0 for archive in readings(source.view) if archive.entries)

    def read(self, source: Source) -> Checkpoint:
        """Read the archive in all its readings, offsets counted from the file's beginning."""
        contents = Contents(source)
        spans, before = chain(source.view)
        own = {span.directory for span in spans}
        archives = readings(source.view)
        if spans:
            contents.examine(source.view[before:], bare(), before)
            archives = tuple(a for a in archives if a.directory.start not in own)
        if archives:
            contents.merge(read_archives(source, archives), bare(), 0)
        start = min([span.start for span in spans] or [_start(archives[0])])
        message = f"a zip archive stands behind {start:,} bytes of something else"
        contents.remark("leading-bytes", message, offset=start)
        return contents.checkpoint(self.name)


def _start(archive: Archive) -> int:
    """Offset of an archive's first member, or of its directory."""
    headers = [member.header for member in archive.entries if member.header >= 0]
    return min([archive.directory.start, *headers])


def _ends_as_zip(view: memoryview) -> bool:
    """Whether an end record and its comment end the file."""
    tail = bytes(view[max(len(view) - END.size - _COMMENT, 0) :])
    at = tail.rfind(END_MAGIC)
    if at < 0 or len(tail) - at < END.size:
        return False
    *_, comment = END.unpack_from(tail, at)
    return len(tail) == at + END.size + int(comment)
