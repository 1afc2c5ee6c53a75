"""Bytes as text and as Python's syntax, within bounds; nothing is compiled or run."""

from __future__ import annotations

import ast
import json
import re
import warnings

MAX_SOURCE = 1 << 20
"""Bytes of Python source that are parsed."""

_SAMPLE = 4096
_CONTROL = bytes(frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b"))
_NEWLINE = re.compile(rb"\r\n|\r|\n")
_UTF_16_AND_32 = ((b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class UnparsedError(ValueError):
    """Source that is no Python of the running version, or goes past a bound."""


def is_text(view: memoryview) -> bool:
    """Whether the bytes begin as text does: no control characters in the first 4 KiB."""
    sample = bytes(view[:_SAMPLE])
    return sample == sample.translate(None, _CONTROL) or _utf_16_or_32(sample) is not None


def text_of(view: memoryview) -> str:
    """The bytes as text: UTF-8, or what a byte order mark or the zeros of JSON say.

    What does not fit is escaped.
    """
    encoding = _utf_16_or_32(bytes(view[:4])) or json.detect_encoding(bytes(view[:4]))
    encoding = "utf-8-sig" if encoding == "utf-8" else encoding
    return str(view, encoding, "backslashreplace")


def readings_of(view: memoryview) -> list[str]:
    """The bytes as text, and as UTF-8 where only zeros, and no mark, say that it is another."""
    text = text_of(view)
    start = bytes(view[:4])
    marked = _utf_16_or_32(start) is not None or json.detect_encoding(start).startswith("utf-8")
    return [text] if marked else [text, str(view, "utf-8", "backslashreplace")]


def parse(source: bytes | str) -> ast.Module:
    """The syntax tree of Python source; bytes are decoded as they say themselves (PEP 263).

    Raises:
        UnparsedError: it is too long, nested too deeply, or not this version's Python.
    """
    if len(source) > MAX_SOURCE:
        raise UnparsedError(f"longer than {MAX_SOURCE:,} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        raise UnparsedError(f"{error.msg}, line {error.lineno}") from error
    except (ValueError, RecursionError, MemoryError, LookupError) as error:
        raise UnparsedError(str(error) or "nested too deeply") from error


def offset_of_line(source: bytes, line: int) -> int:
    """Byte offset of the first byte of a line; lines count from 1."""
    if line <= 1:
        return 0
    for count, newline in enumerate(_NEWLINE.finditer(source), start=2):
        if count == line:
            return newline.end()
    return len(source)


def _utf_16_or_32(sample: bytes) -> str | None:
    return next((name for mark, name in _UTF_16_AND_32 if sample.startswith(mark)), None)
