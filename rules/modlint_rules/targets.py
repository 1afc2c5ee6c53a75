"""Targets that rules of several families name."""

from __future__ import annotations

from typing import Any

from modlint.checkpoint import NOT_WHOLLY_READ, Checkpoint
from modlint.rule import Rule
from modlint.verdict import Target, Verdict

_MISSING = frozenset({"missing-external-data", "missing-shard", "missing-storage"})
"""Kinds of remarks on parts that are not there to be read."""


def whole_file(checkpoint: Checkpoint) -> Target:
    """The file."""
    return Target("file", checkpoint.path.name)


def place_in_file(checkpoint: Checkpoint, member: str | None, offset: int | None) -> Target:
    """A byte of an archive's member, or of the file where `member` is None."""
    if member is None:
        return Target("file", checkpoint.path.name, offset=offset)
    return Target("member", member, member=member, offset=offset)


def unread(checkpoint: Checkpoint) -> str | None:
    """Why a rule that found nothing cannot pass the file; None where all of it was read."""
    missing = any(remark.kind in _MISSING for remark in checkpoint.remarks)
    return NOT_WHOLLY_READ if checkpoint.faults or missing else None


def if_examined(rule: Rule[Any], checkpoint: Checkpoint, passed: Verdict) -> Verdict:
    """A pass on tensors, or what is said in its place: none is there, or not all could be read."""
    reason = unread(checkpoint)
    if reason is not None:
        return rule.inconclusive(whole_file(checkpoint), reason)
    if not checkpoint.tensors:
        return rule.not_applicable(whole_file(checkpoint), "the file holds no tensor")
    return passed
