"""Bytes written as text: pickles and archives in base64 or hexadecimal."""

from __future__ import annotations

from collections.abc import Iterator

from modlint_plugins.code.encoded import decode
from modlint_plugins.sweep.run import Run

_MAX_TEXT = 64 << 20
_WORDS = "tokenizer.json"
"""Words and how they are joined, of which no loader decodes one."""
_SAMPLE = 4096
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")
_LENGTH = 8
"""Bytes of the length before a safetensors header."""


def encoded(run: Run) -> Iterator[Run]:
    """What the text of a run decodes to, where that is of interest."""
    if run.member is None and run.name.lower() == _WORDS:
        return
    text = _text_of(run.view) or _header_of(run.view)
    for index, data in enumerate(decode(text)):
        yield run.within(memoryview(data), f"encoded text {index}", None)


def encoded_in(run: Run, where: str, text: str) -> Iterator[Run]:
    """What a text that belongs to a run decodes to."""
    for data in decode(text):
        yield run.within(memoryview(data), where, None)


def _text_of(view: memoryview) -> str:
    """The text of a run, "" where it is none."""
    if not _CONTROL.isdisjoint(bytes(view[:_SAMPLE])):
        return ""
    return bytes(view[:_MAX_TEXT]).decode("utf-8", "replace")


def _header_of(view: memoryview) -> str:
    """The JSON header of a safetensors file, "" of any other."""
    if bytes(view[_LENGTH : _LENGTH + 64]).lstrip()[:1] != b"{":
        return ""
    nbytes = int.from_bytes(view[:_LENGTH], "little")
    return bytes(view[_LENGTH : _LENGTH + min(nbytes, _MAX_TEXT)]).decode("utf-8", "replace")
