"""Text, and files without content: told when nothing else claims the file."""

from __future__ import annotations

import codecs

from modlint.source import Source
from modlint_plugins.readers.recognised.format import Format

_SAMPLE = 4096
_NAME_CHECKPOINT = "name a checkpoint, or exclude the file"
_DOWNLOAD = "download the file again; a link to the raw file is needed, not to its page"
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")

_EMPTY = Format(
    "empty", "empty (0 bytes)", "save or download it again; an interrupted save leaves such a file"
)
_ZEROS = Format(
    "zeros",
    "filled with zero bytes",
    "save or download it again; an interrupted copy leaves such a file",
)
_HTML = Format("html", "an HTML page, as a failed download leaves one", _DOWNLOAD)
_XML = Format("xml", "an XML document, as a failed download may leave one", _DOWNLOAD)
_JSON = Format("json", "a JSON document", _NAME_CHECKPOINT)
_TEXT = Format("text", "a text file", _NAME_CHECKPOINT)


def classify_blank(source: Source) -> Format | None:
    """A file without content."""
    if not source.nbytes:
        return _EMPTY
    return _ZEROS if _holds_zeros(source) else None


def classify_json(source: Source) -> Format | None:
    """JSON: text that begins as an object or an array does."""
    text = _text(source)
    if not text.lstrip().startswith(("{", "[")):
        return None
    return _JSON


def classify_text(source: Source) -> Format | None:
    """Any other text."""
    text = _text(source)
    if not text or classify_json(source):
        return None
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return _HTML
    return _XML if start.startswith("<?xml") else _TEXT


def _text(source: Source) -> str:
    """The first 4 KiB of a text file, "" of any other."""
    sample = bytes(source.view[:_SAMPLE])
    if not _CONTROL.isdisjoint(sample):
        return ""
    try:
        # The sample may end within a character.
        return codecs.getincrementaldecoder("utf-8-sig")().decode(sample)
    except UnicodeDecodeError:
        return ""


def _holds_zeros(source: Source) -> bool:
    """Whether the start of the file and its end are zero."""
    ends = (source.view[: 16 * _SAMPLE], source.view[-_SAMPLE:])
    return not any(bytes(end).strip(b"\0") for end in ends)
