"""FMT001: a file that cannot be read as a checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.file_names import promises_checkpoint, promises_readable
from modlint.reader import FORMAT_NOT_READ, is_header_only
from modlint.rule import Examination, Options, Rule
from modlint.targets import place_in_file, whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.format import UNREADABLE
from modlint_rules.format.wrong_name import WrongName, wrong_name

_FETCH_AGAIN = "get the file again and compare its size and checksum with the original"
_EMPTY = "write or download it again; an interrupted save leaves such a file"
_TOLD_BY = {
    "duplicate-key": "FMT013",
    "outside-storage": "SEC004",
    "external-data-key": "GRF006",
    "external-data-overlap": "GRF006",
    "external-data-range": "GRF006",
    "missing-external-data": "GRF006",
}
"""By kind of fault, the rule that tells it where that rule runs."""
_NAME_A_CHECKPOINT = (
    "name a checkpoint, or exclude the file; `modlint plugins` lists the formats that are read"
)


def _is_told_only(checkpoint: Checkpoint, fault: Remark) -> bool:
    """Whether nobody expects modlint to read it: numbers of GGUF, trees in a file named as JSON."""
    named = promises_checkpoint(checkpoint.path)
    return is_header_only(checkpoint) or (fault.kind == FORMAT_NOT_READ and not named)


class Unreadable(Rule[Options], reference=UNREADABLE):
    """A file, or a part of it, that cannot be read."""

    reports_faults = True
    statuses = frozenset({Status.CHECKED, Status.UNREADABLE, Status.NOT_A_CHECKPOINT})

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each fault or for the name, or one passing verdict for the file."""
        checkpoint = file.checkpoint
        misnamed = wrong_name(checkpoint)
        told = Counter[str]()
        for fault in checkpoint.faults:
            teller = _TOLD_BY.get(fault.kind)
            if teller in file.selected:
                told[teller] += 1
            else:
                yield self._fault(checkpoint, fault)
        if told.total() == len(checkpoint.faults) and told:
            yield self._told(checkpoint, told)
        if checkpoint.status is Status.NOT_A_CHECKPOINT:
            yield self._not_a_checkpoint(checkpoint)
        elif misnamed is not None:
            yield self._misnamed(checkpoint, misnamed)
        elif checkpoint.status is Status.CHECKED and not checkpoint.faults:
            yield self.passed(
                whole_file(checkpoint),
                f"reads as {checkpoint.format}, {count(checkpoint.nbytes, 'byte')}",
                values={"faults": 0, "bytes": checkpoint.nbytes},
                limit={"faults": {"max": 0}},
            )

    def _fault(self, checkpoint: Checkpoint, fault: Remark) -> Verdict:
        return self.failed(
            place_in_file(checkpoint, fault.member, fault.offset),
            fault.message,
            help=fault.help or _FETCH_AGAIN,
            values={"fault": fault.kind},
            severity=Severity.NOTE if _is_told_only(checkpoint, fault) else None,
        )

    def _told(self, checkpoint: Checkpoint, told: Counter[str]) -> Verdict:
        """Where other rules tell all faults, these are no finding a second time, nor is it a pass.

        Args:
            checkpoint: what was not wholly read.
            told: by code of a rule, how many faults it tells.
        """
        rules = ", ".join(f"{rule} ({number:,})" for rule, number in sorted(told.items()))
        message = f"the file was not wholly read; what is wrong is told by {rules}"
        return self.inconclusive(whole_file(checkpoint), message)

    def _misnamed(self, checkpoint: Checkpoint, found: WrongName) -> Verdict:
        return self.failed(
            whole_file(checkpoint),
            found.message,
            help=found.help,
            values={"fault": "wrong-name", "format": checkpoint.format},
            severity=found.severity,
        )

    def _not_a_checkpoint(self, checkpoint: Checkpoint) -> Verdict:
        known = [remark for remark in checkpoint.remarks if remark.kind == "not-a-checkpoint"]
        message, advice = "holds no format that modlint knows", _NAME_A_CHECKPOINT
        if not checkpoint.nbytes:
            message, advice = "the file is empty", _EMPTY
        elif known:
            message, advice = f"{known[0].message}, not a checkpoint", known[0].help or advice
        promised = promises_readable(checkpoint.path)
        return self.failed(
            whole_file(checkpoint),
            message,
            help=advice,
            values={"fault": "not-a-checkpoint", "bytes": checkpoint.nbytes},
            severity=Severity.ERROR if promised else Severity.NOTE,
        )
