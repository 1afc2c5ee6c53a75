"""Checkpoints within bytes literals, of whatever format they are."""

from __future__ import annotations

from modlint_plugins.pickling.stacked import is_legacy
from modlint_plugins.pickling.values import Value
from modlint_plugins.readers.torch.reading import Reading, Segment


def open_nested(reading: Reading, segment: Segment) -> Value:
    """What a checkpoint within a bytes literal stands for.

    Raises:
        UnreadableError: it cannot be read.
    """
    # The readers of these formats need this function in their turn.
    from modlint_plugins.archives.zip.archive import LOCAL_MAGIC
    from modlint_plugins.readers.torch.legacy import load_legacy
    from modlint_plugins.readers.torch.zip import load_nested

    if bytes(segment.view[:4]) == LOCAL_MAGIC:
        return load_nested(reading, segment)
    if is_legacy(segment.view):
        return load_legacy(reading, segment)
    return reading.scan_further(segment, 0)
