"""A member of a tar archive, and its bytes: a view of the archive, or runs put together."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from modlint_plugins.archives.tar.header import SparseMap

_DISPUTED = "has a sparse map that readers take differently"


class TarContent(NamedTuple):
    """What could be had of a member.

    Attributes:
        view: its bytes, or the first of them.
        problem: why there are no more of them, or not the same ones to every reader.
    """

    view: memoryview
    problem: str | None = None


class TarEntry(Struct, frozen=True):
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
