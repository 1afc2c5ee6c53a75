"""Targets that rules of several families name."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint
from modlint.verdict import Target


def whole_file(checkpoint: Checkpoint) -> Target:
    """The file."""
    return Target("file", checkpoint.path.name)


def place_in_file(checkpoint: Checkpoint, member: str | None, offset: int | None) -> Target:
    """A byte of an archive's member, or of the file where `member` is None."""
    if member is None:
        return Target("file", checkpoint.path.name, offset=offset)
    return Target("member", member, member=member, offset=offset)
