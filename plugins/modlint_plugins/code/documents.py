"""JSON: parsed wherever it stands, so that no escape hides a key, and every duplicate is seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from msgspec import Struct

MAX_DOCUMENT = 64 << 20
"""Bytes of JSON that are parsed."""

MAX_VALUES = 4_000_000
"""Values in a JSON text that are parsed; a tokenizer's vocabulary has some hundred thousands."""
MAX_TABLES = 500_000
"""Objects in it."""
_MAX_NESTED = 4
_MAX_WITHIN = 16 << 20
_LONGEST_PATH = 100
_OPENS = ("{", "[")
_SPACE = re.compile(r"\s*")
_PIECE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


class Table(Struct, frozen=True):
    """A JSON object with every pair that it holds, duplicates included.

    Attributes:
        pairs: keys and values, in order.
    """

    pairs: tuple[tuple[str, object], ...]

    def values(self, key: str) -> Iterator[object]:
        """Every value of a key."""
        return (value for name, value in self.pairs if name == key)

    def texts(self, key: str) -> Iterator[str]:
        """Every value of a key that is a text."""
        return (value for value in self.values(key) if isinstance(value, str))

    def holds(self, *keys: str) -> bool:
        """Whether it has all of the keys."""
        return set(keys) <= {name for name, _ in self.pairs}


class Place(Struct, frozen=True):
    """A table, or a text that stands by itself, and the path that leads to it."""

    path: str
    value: Table | str
    key: str = ""


def is_bounded(text: str) -> bool:
    """Whether a text has not more values than are parsed."""
    tables = text.count("{")
    return tables <= MAX_TABLES and tables + text.count("[") + text.count(",") <= MAX_VALUES


def parse_json(text: str) -> list[object]:
    """The documents of a text, one after the other; what does not parse is read by its literals."""
    documents, at = _parse_whole(text)
    return documents if at == len(text) else [*documents, _by_literals(text[at:])]


def is_json(text: str) -> bool:
    """Whether a text is documents of JSON from start to end."""
    return _parse_whole(text)[1] == len(text)


def _parse_whole(text: str) -> tuple[list[object], int]:
    """The documents that parse, and where they end."""
    documents: list[object] = []
    at = _skip(text, 0)
    while at < len(text):
        try:
            document, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        documents.append(document)
        at = _skip(text, at)
    return documents, at


def walk(documents: list[object]) -> Iterator[Place]:
    """Every table and every text of documents, and of the documents within their texts."""
    pending = [("", "", document, 0) for document in reversed(documents)]
    while pending:
        path, key, value, depth = pending.pop()
        if isinstance(value, Table):
            yield Place(path, value, key)
            pending += (
                (_joined(path, name), name, held, depth)
                for name, held in reversed(value.pairs)
                if isinstance(held, (str, list, Table))
            )
        elif isinstance(value, list):
            pending += (
                (path, key, held, depth)
                for held in reversed(value)
                if not isinstance(held, (int, float))
            )
        elif isinstance(value, str):
            yield Place(path, value, key)
            if depth < _MAX_NESTED and len(value) <= _MAX_WITHIN:
                pending += ((path, key, inner, depth + 1) for inner in _within(value))


def _joined(path: str, name: str) -> str:
    """A path and a key; of a long one the start."""
    if len(path) >= _LONGEST_PATH:
        return path
    return f"{path}.{name[:_LONGEST_PATH]}" if path else name[:_LONGEST_PATH]


def _within(text: str) -> list[object]:
    stripped = text.strip()
    if len(stripped) < 5 or stripped[0] not in _OPENS or '"' not in stripped:
        return []
    return parse_json(stripped)


def _by_literals(text: str) -> object:
    """Texts of a damaged document: each that a colon follows is a key of what comes next.

    What stands between two quotes is a text or what separates two; which, a quote too many would
    change. So everything is read as both.
    """
    pieces = _pieces(text)
    pairs, key = [], ["", ""]
    for at, piece in enumerate(pieces):
        separator = pieces[at + 1] if at + 1 < len(pieces) else ""
        if separator.strip() == ":":
            key[at % 2] = _literal(piece)
        else:
            pairs.append((key[at % 2], _literal(piece)))
            key[at % 2] = ""
    return Table(tuple(pairs))


def _pieces(text: str) -> list[str]:
    """What stands between the quotes that no backslash escapes."""
    pieces, at = [], 0
    while at <= len(text):
        match = _PIECE.match(text, at)
        end = at if match is None else match.end()
        pieces.append(text[at:end])
        at = end + 1
    return pieces


def _literal(body: str) -> str:
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except ValueError:
        return body


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _number(digits: str) -> object:
    return int(digits) if len(digits) < 1000 else digits


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Table(tuple(pairs)), parse_int=_number, strict=False
)
