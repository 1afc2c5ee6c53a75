"""Zip archives at the end of another file: programs that search for the directory find them."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint
from modlint.source import Source
from modlint_plugins.readers.contained import Contents, bare
from modlint_plugins.readers.zip_chain import chain
from modlint_plugins.readers.zip_directory import END, END_MAGIC, LOCAL_MAGIC

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
        spans, before = chain(source.view)
        return bool(spans) and before > 0

    def read(self, source: Source) -> Checkpoint:
        """Read the archive, offsets counted from the file's beginning."""
        spans, before = chain(source.view)
        contents = Contents(source)
        contents.examine(source.view[before:], bare(), before)
        message = f"a zip archive stands behind {before:,} bytes of something else"
        contents.remark("leading-bytes", message, offset=spans[0].start)
        return contents.checkpoint(self.name)


def _ends_as_zip(view: memoryview) -> bool:
    """Whether an end record and its comment end the file."""
    tail = bytes(view[max(len(view) - END.size - _COMMENT, 0) :])
    at = tail.rfind(END_MAGIC)
    if at < 0 or len(tail) - at < END.size:
        return False
    *_, comment = END.unpack_from(tail, at)
    return len(tail) == at + END.size + int(comment)
