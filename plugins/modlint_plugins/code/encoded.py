"""Bytes written as text: base64 and hexadecimal in metadata, in JSON, in the strings of a pickle.

Only what decodes to a pickle, an archive, compressed data or a program is of interest. The first
letters tell, so that ordinary text costs one search and no decoding.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Iterator

from modlint.errors import UnreadableError

MAX_TEXT = 64 << 20
"""Characters of a text that are searched."""
MAX_FOUND = 1000
"""Pickles, archives and programs that one text may decode to."""

_MAX_NESTED = 3
_MAX_TRIED = 100_000
_WHOLE = 64
_BLANK = r"(?:\s|\\[nrt])*"
_OPENINGS = (
    "gA[A-X]",  # a pickle: PROTO 0 to 5
    "Y[w-z0-9+/_-]",  # a pickle: GLOBAL
    "K[A-P]",  # a pickle: MARK
    "UEs[DF]",  # a zip archive
    "H4s[IJ]",  # gzip
    "Qlpo",  # bzip2
    "[/_]Td6",  # xz
    "eJ[wxyz]|eNo|eNp|eAE|eAF",  # zlib
    "f0VM",  # an ELF program
    "TV[opqr]",  # a Windows program
    "Z0[EF]",  # base64 of base64 of a pickle
)
_LETTER = re.compile(r"\[[^\]]+\]|[^|]")
_ALPHABET = "A-Za-z0-9+/_-"


def _spread(opening: str) -> str:
    """The opening, with blanks allowed between its letters."""
    return "|".join(_BLANK.join(_LETTER.findall(part)) for part in opening.split("|"))


_START = re.compile(rf"(?<![{_ALPHABET}])(?:{'|'.join(map(_spread, _OPENINGS))})")
_RUN = re.compile(rf"(?:[{_ALPHABET}]++|\s++|\\[nrt/])++")
_BYTE = r"[\s:,]?(?:\\x|%)?"
_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:0[xX])?(?:\\x|%)?"
    rf"(?:80{_BYTE}0[0-5]|63|28|50{_BYTE}4[bB]|1[fF]{_BYTE}8[bB]|7[fF]{_BYTE}45|42{_BYTE}5[aA]"
    rf"|78{_BYTE}(?:9[cC]|01|[dD][aA]))"
)
_HEX_RUN = re.compile(r"(?:0[xX])?((?:(?:\\x|%)?[0-9A-Fa-f]{2}[\s:,]?+){8,}+)")
_NOT_HEX = re.compile(r"[^0-9A-Fa-f]+")
_NO_LETTER = re.compile(rf"\\[nrt]|[^{_ALPHABET}]+")
_NOT_STANDARD = re.compile(r"\\[nrt]|[^A-Za-z0-9+/]+")
"""What `base64.b64decode` drops: the letters of the URL-safe alphabet among it."""
_STRING = re.compile(r'(?<!\\)(?:\\\\)*+"((?:[^"\\]|\\.){40,}+)(?=")', re.DOTALL)
"""A long string of JSON. The quote that opens it is not escaped, so that each is tried once."""
_ESCAPED_STRING = re.compile(r'"([^"]{40,}+)(?=")')
"""What stands between two quotes of any kind: a string in JSON that is itself a string."""
_JSON_ESCAPES = re.compile(r"(?:\\u00[0-7][0-9a-fA-F])++")
_URL_SAFE = str.maketrans("-_", "+/")

_OPCODE = frozenset(
    b"(.012BCFGIJKLMNPQRSTUVX\\]abcdeghijloqrstu})"
    b"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f"
    b"\x90\x91\x92\x93\x94\x95\x96\x97\x98"
)
_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x7fELF", b"MZ")
_CALL = re.compile(rb"[^\x80-\xff]{0,200}?(?:^|[^\w.])[ci][A-Za-z_][\w.]*\r?\n[A-Za-z_][\w.]*\r?\n")
_GLOBAL = re.compile(rb"[ci][A-Za-z_][\w.]{0,200}\r?\n[A-Za-z_][\w.]{0,200}\r?\n")
_SEARCHED = 1 << 16
_LEAST = 8


def is_old_pickle(view: memoryview) -> bool:
    """Whether bytes begin with an opcode and soon name a global, as protocols 0 and 1 do."""
    if len(view) < _LEAST or view[0] not in _OPCODE:
        return False
    return _GLOBAL.search(bytes(view[:_SEARCHED])) is not None


def decode(text: str) -> Iterator[bytes]:
    """What a text, or parts of it, decode to, where that begins as a pickle or a container does.

    Standard and URL-safe base64, with blanks and line breaks, and hexadecimal; a text within a
    text up to a small depth.

    Args:
        text: any text; beyond `MAX_TEXT` characters it is not searched.

    Raises:
        UnreadableError: more decodes than is looked at.
    """
    seen: set[bytes] = set()
    text = text[:MAX_TEXT]
    if "\\u00" in text:
        text = _JSON_ESCAPES.sub(_unescaped, text)
    for data in _decoded(text, 0):
        if data not in seen:
            if len(seen) >= MAX_FOUND:
                raise UnreadableError(f"a text decodes to more than {MAX_FOUND:,} pickles")
            seen.add(data)
            yield data


def _unescaped(escapes: re.Match[str]) -> str:
    return bytes.fromhex(escapes[0].replace("\\u00", "")).decode("ascii")


def _decoded(text: str, depth: int) -> Iterator[bytes]:
    for tried, data in enumerate(_candidates(text)):
        if tried >= _MAX_TRIED:
            raise UnreadableError(
                f"a text holds more than {_MAX_TRIED:,} parts that may be encoded"
            )
        if _interesting(data):
            yield data
        elif depth < _MAX_NESTED and data[:2] in (b"gA", b"KG", b"Yw", b"Z0"):
            yield from _decoded(data.decode("ascii", "replace"), depth + 1)


def _candidates(text: str) -> Iterator[bytes]:
    """Every part of the text that decodes, and begins with one of the openings."""
    for foreign in (_NO_LETTER, _NOT_STANDARD):  # Python's base64 skips what is no letter
        if _START.match(foreign.sub("", text[:_WHOLE])):
            yield _from_base64(text, foreign)
    for inner in _strings(text):  # a string of JSON is decoded whole as well
        start = _NOT_STANDARD.sub("", inner[:_WHOLE])
        if _START.match(start) and _NOT_STANDARD.search(inner):
            yield _from_base64(inner, _NOT_STANDARD)
    at = 0
    while (match := _START.search(text, at)) is not None:
        run = _RUN.match(text, match.start())
        at = max(match.end(), run.end() if run else 0)
        yield _from_base64(text[match.start() : at])
    at = 0
    while (match := _HEX.search(text, at)) is not None:
        digits = _HEX_RUN.match(text, match.start())
        at = match.end() if digits is None else digits.end()
        if digits is not None:
            yield bytes.fromhex(_NOT_HEX.sub("", digits.group(1)))


def _strings(text: str) -> Iterator[str]:
    for kind in (_STRING, _ESCAPED_STRING) if '\\"' in text else (_STRING,):
        for quoted in kind.finditer(text):
            yield quoted[1]


def _from_base64(text: str, foreign: re.Pattern[str] = _NO_LETTER) -> bytes:
    letters = foreign.sub("", text).translate(_URL_SAFE)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))


def _interesting(data: bytes) -> bool:
    """Whether bytes begin as a pickle, an archive, compressed data or a program does."""
    if len(data) < 4:
        return False
    if data[0] == 0x80:
        return data[1] <= 5 and data[2] in _OPCODE
    if data[0] == 0x78:
        return _inflates(data)
    return data.startswith(_MAGICS) or _CALL.match(data[:512]) is not None


def _inflates(data: bytes) -> bool:
    try:
        return len(zlib.decompressobj().decompress(data[:4096], 64)) > 0
    except zlib.error:
        return False
