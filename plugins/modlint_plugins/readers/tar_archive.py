"""Tar archives as Python's tarfile reads them: ustar, GNU and pax headers, sparse files.

For whoever searches bytes without knowing what will load them::

    if is_tar(view):
        tar = walk(view)                          # never raises
        for entry in tar.entries:                 # what Python reads, and what it stops before
            content = entry.content(view, most)   # never raises; .view, .problem
            entry.mapped                          # whether they lie at `entry.offset` as they are
        tar.gaps                                  # (start, end) of data that belong to no member
        tar.problems                              # (offset, what is wrong there)

Format: POSIX.1-2001, pax; GNU tar manual, "Basic Tar Format"; CPython, `Lib/tarfile.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from modlint.errors import UnreadableError
from modlint_plugins.readers import tar_header
from modlint_plugins.readers.tar_header import BLOCK, EXTENSIONS, SparseMap, blocks, is_header

MAX_MEMBERS = 100_000
MAX_EXTENDED = 1 << 20
MAX_RUNS = 100_000
MAX_SOUGHT = 1 << 20
"""Blocks behind damage in which a header is looked for: 512 MiB."""
_MAX_PROBLEMS = 100
_PIECE = 1 << 16
_DISPUTED = "has a sparse map that readers take differently"


class TarContent(NamedTuple):
    """What could be had of a member.

    Attributes:
        view: its bytes, or the first of them.
        problem: why there are no more of them, or not the same ones to every reader.
    """

    view: memoryview
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TarEntry:
    """A member of a tar archive.

    Attributes:
        name: its path in the archive.
        offset: of its first stored byte in the archive.
        nbytes: bytes that it holds.
        regular: whether it is a file.
        link: what it links to, None where it is no link.
        header: offset of its header, or of the first that says something of it.
        sparse: its runs of bytes, None where it is stored whole.
        disputed: whether releases of Python read the runs differently; these are 3.11's.
    """

    name: str
    offset: int
    nbytes: int
    regular: bool
    link: str | None
    header: int
    sparse: SparseMap | None = None
    disputed: bool = False

    @property
    def stored(self) -> int:
        """Bytes that it takes in the archive."""
        return self.nbytes if self.sparse is None else sum(max(n, 0) for _, n in self.sparse)

    @property
    def mapped(self) -> bool:
        """Whether the archive holds its bytes in one piece."""
        return self.sparse is None or (not self.disputed and self.sparse == ((0, self.nbytes),))

    def content(self, view: memoryview, most: int = 1 << 30) -> TarContent:
        """Its bytes, a view of the archive's where they are mapped; holes are zeros.

        Args:
            view: the archive.
            most: bytes that may be put together.
        """
        if self.mapped:
            found = view[self.offset : self.offset + self.nbytes]
            return TarContent(found, "is truncated" if len(found) < self.nbytes else None)
        if self.nbytes > most:
            return TarContent(memoryview(b""), f"is sparse, of more than {most:,} bytes, the limit")
        return self._assembled(view)

    def _assembled(self, view: memoryview) -> TarContent:
        """The runs at their places, as extracting writes them: the last one counts."""
        whole = bytearray(self.nbytes)
        at, behind, problem = self.offset, 0, _DISPUTED if self.disputed else None
        for start, nbytes in self.sparse or ():
            if not nbytes:
                continue
            if start < behind or nbytes < 0:
                problem = _DISPUTED
            if start < 0 or nbytes < 0:
                continue
            data = view[at : at + nbytes]
            if len(data) < nbytes:
                problem = "is truncated"
            fitting = data[: max(self.nbytes - start, 0)]
            whole[start : start + len(fitting)] = fitting
            at, behind = at + nbytes, start + nbytes
        return TarContent(memoryview(whole).toreadonly(), problem)


@dataclass(slots=True)
class Tar:
    """What a tar archive holds.

    Attributes:
        entries: its members, in the archive's order.
        gaps: where bytes other than zeros start and end that belong to no member.
        problems: what is wrong, and at which offset.
    last: offset where Python's reading ends: at a block of zeros, at damage, or at the end.
    """

    entries: list[TarEntry] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    last: int = 0


def is_tar(view: memoryview) -> bool:
    """Whether bytes begin with a tar header: the mark, or a right checksum."""
    block = bytes(view[:BLOCK])
    return block[257:262] == b"ustar" or is_header(block)


def walk(view: memoryview) -> Tar:
    """Every member; behind damage and zeros, where Python ends, whatever goes on as a header."""
    tar = Tar(last=len(view))
    state = _State(view)
    at = 0
    stopped = False
    while at < len(view):
        if len(tar.entries) >= MAX_MEMBERS or len(tar.problems) >= _MAX_PROBLEMS:
            tar.problems.append((at, f"has more than {MAX_MEMBERS:,} members, or much damage"))
            tar.gaps += _data(view, at, len(view))
            break
        damaged, following = _step(tar, state, at)
        if damaged is not None:
            tar.last = tar.last if stopped else damaged
            stopped = True
            following = state.seek(damaged + BLOCK)
            tar.gaps += _data(view, damaged, following)
        at = following
    return tar


def _step(tar: Tar, state: _State, at: int) -> tuple[int | None, int]:
    """Read a member: where reading cannot go on, if it cannot, and the offset behind it."""
    if not any(state.view[at : at + BLOCK]):
        return at, at
    try:
        entry, following = state.next_member(at)
    except UnreadableError as error:
        tar.problems.append((state.at, f"has a damaged header: {error}"))
        return state.at, at
    except ValueError:
        tar.problems.append((state.at, "has a damaged header: a number or checksum is wrong"))
        return state.at, at
    tar.entries.append(entry)
    if entry.offset + entry.stored > len(state.view):
        tar.problems.append((entry.header, "is truncated in a member"))
        tar.last = min(tar.last, entry.header)
        following = state.seek(entry.offset)
    return None, following


def _data(view: memoryview, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The part of a range without the zeros before it, if there is one."""
    for at in range(start, end, _PIECE):
        piece = bytes(view[at : min(at + _PIECE, end)])
        if found := piece.lstrip(b"\0"):
            yield at + len(piece) - len(found), end
            return


@dataclass(slots=True)
class _Draft:
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


class _State:
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
