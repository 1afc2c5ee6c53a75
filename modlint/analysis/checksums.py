"""Checksums of an archive's members: what the directory states against what lies there."""

from __future__ import annotations

import zlib
from typing import ClassVar

from msgspec import Struct

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.checkpoint import Checkpoint, Member
from modlint.errors import UnreadableError

FREE = 1 << 30
"""Bytes that the compressed members of one file may inflate to in any case."""

MAX_SHARING = 8
"""How often the members may take the file's own bytes; archives within archives take them twice."""


class Mismatch(Struct, frozen=True):
    """A member that is not what its checksum says.

    Attributes:
        member: the member's name.
        offset: of its first byte in the file, None where it is not mapped.
        problem: what is wrong, to follow the member's name.
    """

    member: str
    offset: int | None
    problem: str


class ChecksumResult(Struct, frozen=True):
    """What checking found.

    Attributes:
        mismatches: members that are damaged or altered.
        checked: number of members whose checksum was compared.
    """

    mismatches: tuple[Mismatch, ...]
    checked: int


class Checksums(FileAnalysis[ChecksumResult], frozen=True):
    """CRC-32 of every member; a stated checksum of zero is taken as none."""

    name: ClassVar[str] = "checksums"
    description: ClassVar[str] = "CRC-32 of every archive member"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> ChecksumResult:  # noqa: ARG002
        """Read every member once, in pieces."""
        mismatches = []
        stated = [member for member in checkpoint.members if member.crc32]
        inflated = mapped = 0
        checked = set()
        for member in stated:
            place = member.offset, member.stored, member.nbytes, member.crc32
            if member.offset is not None and place in checked:
                continue  # a bomb lists the same bytes many times over
            checked.add(place)
            if member.compressed or member.offset is None:
                inflated += max(member.nbytes, member.stored)
            else:
                mapped += member.nbytes
            problem = _past_limit(inflated, mapped, checkpoint.nbytes) or _problem(member)
            if problem is not None:
                mismatches.append(Mismatch(member.name, member.offset, problem))
        return ChecksumResult(tuple(mismatches), len(stated))


def _past_limit(inflated: int, mapped: int, available: int) -> str | None:
    most = FREE + MAX_SHARING * available
    if inflated > most:
        return f"is not checked: members inflate to more than {most:,} bytes, the limit"
    if mapped > MAX_SHARING * available:
        return f"is not checked: members share bytes more than {MAX_SHARING} times over, the limit"
    return None


def _problem(member: Member) -> str | None:
    checksum = 0
    try:
        for piece in member.chunks():
            checksum = zlib.crc32(piece, checksum)
    except UnreadableError as error:
        return str(error)
    if checksum == member.crc32:
        return None
    return f"has checksum {checksum:08x} where the archive states {member.crc32:08x}"
