"""Whether a file was wholly examined, and what it means where it was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from modlint.checkpoint import Checkpoint, Status
from modlint.file_names import promises_checkpoint, restores_tensors
from modlint.reader import CODE_NOT_READ, FORMAT_NOT_READ, is_header_only
from modlint.rule import Rule
from modlint.targets import whole_file
from modlint.verdict import Outcome, Severity, Verdict

_POINTER = "is a Git LFS pointer: the file itself was not downloaded"
_UNKNOWN = "holds no format that modlint knows"
_UNTRUSTED = "do not load it unless you trust where it comes from; modlint cannot vouch for it"


def unexamined(checkpoint: Checkpoint) -> str | None:
    """What keeps a checkpoint from being wholly examined, None where nothing does.

    A file that is no checkpoint counts where its name promises one; where such names are given to
    other files too, only when its content is unknown.
    """
    if checkpoint.faults:
        return None if is_header_only(checkpoint) else checkpoint.faults[0].message
    if checkpoint.status is Status.LFS_POINTER:
        return _POINTER if promises_checkpoint(checkpoint.path) else None
    if checkpoint.status is Status.NOT_A_CHECKPOINT:
        known = [remark for remark in checkpoint.remarks if remark.kind == "not-a-checkpoint"]
        promised = promises_checkpoint(checkpoint.path, only=bool(known))
        if promised or (not known and restores_tensors(checkpoint.path)):
            return f"{known[0].message}, not a checkpoint" if known else _UNKNOWN
    code = (remark for remark in checkpoint.remarks if remark.kind in CODE_NOT_READ)
    return next((remark.message for remark in code), None)


def is_idle(checkpoint: Checkpoint) -> bool:
    """Whether the file holds no tensor and no pickle, nor promises any that could not be read."""
    if checkpoint.tensors or checkpoint.pickles or is_header_only(checkpoint):
        return False
    kinds = {fault.kind for fault in checkpoint.faults}
    if checkpoint.status is Status.NOT_A_CHECKPOINT or kinds == {FORMAT_NOT_READ}:
        return True
    return bool(kinds) and not promises_checkpoint(checkpoint.path)


def closed(
    verdicts: list[Verdict], checkpoint: Checkpoint, rules: Sequence[Rule[Any]]
) -> list[Verdict]:
    """The verdicts, with an error among them where the file was not wholly examined.

    It is the finding of the rule that reports what cannot be read, that which says so of code, or
    one of the first rule.

    Args:
        verdicts: what the rules say.
        checkpoint: what they judged.
        rules: those that were selected for the file.
    """
    reason = unexamined(checkpoint)
    failed = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    if reason is None or not rules or any(v.severity is Severity.ERROR for v in failed):
        return verdicts
    reporting = {rule.code for rule in rules if rule.reports_faults}
    saying = [v for v in failed if v.message == reason] or failed
    told = next((v for v in saying if v.rule in reporting or v.message == reason), None)
    if told is not None:
        error = msgspec.structs.replace(told, severity=Severity.ERROR)
        return [error if verdict is told else verdict for verdict in verdicts]
    target = whole_file(checkpoint)
    message = f"was not wholly examined: {reason}"
    error = rules[0].failed(target, message, help=_UNTRUSTED, severity=Severity.ERROR)
    return [error, *(v for v in verdicts if v.rule != error.rule or v.outcome is Outcome.FAIL)]
