"""The headers before a tar member, applied as Python's tarfile applies them.

Source: CPython 3.11 to 3.13, `Lib/tarfile.py`: `TarInfo._proc_member` and what it calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from modlint.errors import UnreadableError
from modlint_plugins.archives.tar import header as tar_header
from modlint_plugins.archives.tar.entry import TarEntry
from modlint_plugins.archives.tar.header import BLOCK, EXTENSIONS, SparseMap, blocks, is_header

MAX_EXTENDED = 1 << 20
MAX_RUNS = 100_000
MAX_SOUGHT = 1 << 20
"""Blocks behind damage in which a header is looked for: 512 MiB."""


class _Draft(Struct):
    """A member while the headers before it are applied."""

    name: str
    kind: bytes
    nbytes: int
    link: str
    offset: int
    cursor: int
    following: int
    sparse: SparseMap | None = None
    disputed: bool = False

    @property
    def has_data(self) -> bool:
        return self.kind in tar_header.REGULAR or self.kind not in tar_header.KNOWN


class _Extension(NamedTuple):
    """A header that says something of the member behind it."""

    kind: bytes
    text: str
    pax: dict[str, str]
    records: list[tuple[str, str]]
    raw: bytes


class HeaderReader:
    """Where reading is, and what global headers said so far."""

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.at = 0
        self.pax: dict[str, str] = {}
        self.sought = 0

    def next_member(self, at: int) -> tuple[TarEntry, int]:
        """The member whose headers begin at an offset, and the offset behind it.

        Raises:
            ValueError: a header is damaged; `at` is its offset.
            UnreadableError: likewise.
        """
        first = at
        extensions: list[_Extension] = []
        while True:
            self.at = at
            header = tar_header.parse(bytes(self.view[at : at + BLOCK]).ljust(BLOCK, b"\0"))
            at += BLOCK
            if header.kind not in EXTENSIONS:
                break
            extensions.append(self._extension(header, at))
            at += blocks(header.nbytes)
        draft = self._draft(header, at)
        for extension in reversed(extensions):
            self._apply(draft, extension)
        link = draft.link if draft.kind in tar_header.LINKS else None
        nbytes = draft.nbytes if draft.has_data else 0
        entry = TarEntry(
            draft.name,
            draft.offset,
            nbytes,
            draft.has_data,
            link,
            first,
            draft.sparse,
            draft.disputed,
        )
        return entry, draft.following

    def seek(self, at: int) -> int:
        """Offset of the next block, from one on, that is a header; else of the end."""
        while at < len(self.view):
            self.sought += 1
            if self.sought > MAX_SOUGHT:
                break
            block = bytes(self.view[at : at + BLOCK])
            if is_header(block):
                return at
            at += BLOCK
        return len(self.view)

    def _extension(self, header: tar_header.Header, at: int) -> _Extension:
        if header.nbytes > MAX_EXTENDED:
            raise UnreadableError(f"it is longer than {MAX_EXTENDED:,} bytes", offset=at)
        raw = bytes(self.view[at : at + blocks(header.nbytes)])
        if header.kind in b"LK":
            return _Extension(header.kind, tar_header.text(raw), {}, [], b"")
        pax = self.pax if header.kind == b"g" else self.pax.copy()
        records = tar_header.pax_records(raw, at)
        pax.update(records)
        return _Extension(header.kind, "", pax, records, raw)

    def _draft(self, header: tar_header.Header, at: int) -> _Draft:
        if header.sparse is not None:
            return self._old_sparse(header, header.sparse, at)
        draft = _Draft(header.name, header.kind, header.nbytes, header.link, at, at, at)
        if draft.has_data:
            draft.following += blocks(draft.nbytes)
        _apply_pax(draft, self.pax)
        return draft

    def _old_sparse(
        self, header: tar_header.Header, sparse: tuple[SparseMap, bool, int], at: int
    ) -> _Draft:
        runs, more, nbytes = sparse
        gathered = list(runs)
        while more:
            further, more = tar_header.more_sparse(bytes(self.view[at : at + BLOCK]))
            gathered += further
            at += BLOCK
            if len(gathered) > MAX_RUNS:
                raise UnreadableError(f"a sparse file has more than {MAX_RUNS:,} runs")
        if nbytes < 0:
            raise ValueError("the size is negative")
        following = at + blocks(header.nbytes)
        runs = tuple(gathered)
        return _Draft(header.name, b"S", nbytes, header.link, at, at, following, runs)

    def _apply(self, draft: _Draft, extension: _Extension) -> None:
        """As tarfile does, from the header next to the member to the one furthest from it."""
        if extension.kind == b"L":
            draft.name = extension.text
        elif extension.kind == b"K":
            draft.link = extension.text
        else:
            self._apply_sparse(draft, extension)
            if extension.kind != b"g":
                _apply_pax(draft, extension.pax)
                if "size" in extension.pax:
                    draft.following = draft.offset
                    draft.following += blocks(draft.nbytes) if draft.has_data else 0

    def _apply_sparse(self, draft: _Draft, extension: _Extension) -> None:
        pax = extension.pax
        if "GNU.sparse.map" in pax:
            draft.sparse = _pairs([int(part) for part in pax["GNU.sparse.map"].split(",")])
        elif "GNU.sparse.size" in pax:
            draft.sparse = tuple(
                zip(
                    tar_header.listed(extension.raw, b"GNU.sparse.offset"),
                    tar_header.listed(extension.raw, b"GNU.sparse.numbytes"),
                    strict=False,
                )
            )
            draft.disputed = draft.sparse != _later_pairs(extension.records)
        elif (pax.get("GNU.sparse.major"), pax.get("GNU.sparse.minor")) == ("1", "0"):
            draft.sparse, draft.cursor = self._stored_map(draft.cursor)
            draft.offset = draft.cursor

    def _stored_map(self, at: int) -> tuple[SparseMap, int]:
        """The map that precedes a member's bytes: a count, then numbers, one to a line."""
        lines = self._lines(at)
        count, _ = next(lines)
        if not 0 <= count <= MAX_RUNS:
            raise UnreadableError(f"a sparse file has more than {MAX_RUNS:,} runs")
        numbers = [next(lines) for _ in range(2 * count)]
        end = numbers[-1][1] if numbers else at + BLOCK
        return _pairs([value for value, _ in numbers]), end

    def _lines(self, at: int) -> Iterator[tuple[int, int]]:
        """Numbers, and for each the end of the last block that was read for it."""
        pending = b""
        while at < len(self.view):
            pending += bytes(self.view[at : at + BLOCK])
            at += BLOCK
            *lines, pending = pending.split(b"\n")
            for line in lines:
                yield int(line), at
            if len(pending) > BLOCK:
                break
        raise ValueError("the sparse map has no end")


def _pairs(numbers: list[int]) -> SparseMap:
    return tuple(zip(numbers[::2], numbers[1::2], strict=False))


def _later_pairs(records: list[tuple[str, str]]) -> SparseMap | None:
    """The runs as Python reads them since 3.12: from whole records, through `int`."""
    try:
        starts = [int(value) for key, value in records if key == "GNU.sparse.offset"]
        sizes = [int(value) for key, value in records if key == "GNU.sparse.numbytes"]
    except ValueError:
        return None
    return tuple(zip(starts, sizes, strict=False))


def _apply_pax(draft: _Draft, pax: dict[str, str]) -> None:
    """In the order of the headers, as tarfile does; a size that is no number is 0."""
    for keyword, value in pax.items():
        if keyword in ("GNU.sparse.name", "path"):
            draft.name = value.rstrip("/")
        elif keyword == "linkpath":
            draft.link = value
        elif keyword in ("GNU.sparse.size", "GNU.sparse.realsize"):
            draft.nbytes = int(value)
        elif keyword == "size":
            draft.nbytes = _lenient(value)
    if draft.nbytes < 0:
        raise ValueError("the size is negative")


def _lenient(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        return 0
