"""Whether a file may be a checkpoint, told by a quick look at its content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from modlint.reader import Reader
from modlint.source import Source, open_source


def sought_by(readers: Iterable[Reader]) -> Callable[[Path], bool]:
    """A test of whether some reader claims a file; readers that seek nothing are left out.

    The test raises `UnreadableError` where the file cannot be opened.
    """
    seeking = [reader for reader in readers if getattr(reader, "sought", True)]

    def test(path: Path) -> bool:
        source = open_source(path)
        return bool(source.nbytes) and any(_claims(reader, source) for reader in seeking)

    return test


def _claims(reader: Reader, source: Source) -> bool:
    try:
        return reader.sniff(source)
    except Exception:  # a reader that fails to sniff gets to say so when it reads
        return True
