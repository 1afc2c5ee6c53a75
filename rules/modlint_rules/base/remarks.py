"""Rules that judge what a reader noticed: a table from the remark's kind to its severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.reader import is_header_only
from modlint.rule import Examination, OptionsT
from modlint.scopes import FileRule, unread
from modlint.targets import place_in_file, whole_file
from modlint.verdict import Severity, Verdict


class RemarkRule(FileRule[OptionsT]):
    """A rule whose findings are remarks and faults of the reader.

    Attributes:
        kinds: by kind of remark or fault, how much it weighs.
        formats: those that can have such faults; none for every format.
        absent: what is said of a file of another format.
    """

    kinds: ClassVar[Mapping[str, Severity]]
    formats: ClassVar[frozenset[str]] = frozenset()
    absent: ClassVar[str] = ""
    statuses = frozenset({Status.CHECKED, Status.UNREADABLE, Status.NOT_A_CHECKPOINT})
    listed = 100

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each remark."""
        checkpoint = file.checkpoint
        for remark in (*checkpoint.remarks, *checkpoint.faults):
            if remark.kind in self.kinds:
                yield self.judged(checkpoint, remark)

    def healthy(self, file: Examination) -> Verdict:
        """What is said of a file without such remarks."""
        if self.formats and file.checkpoint.format not in self.formats:
            return self.not_applicable(whole_file(file.checkpoint), self.absent)
        reason = unread(file.checkpoint)
        if reason is not None and not is_header_only(file.checkpoint):
            return self.inconclusive(whole_file(file.checkpoint), reason)
        return super().healthy(file)

    def judged(self, checkpoint: Checkpoint, remark: Remark) -> Verdict:
        """The finding for a remark."""
        return self.failed(
            place_in_file(checkpoint, remark.member, remark.offset),
            remark.message,
            help=remark.help or self.advice,
            values={"kind": remark.kind, "file_offset": remark.file_offset},
            severity=self.kinds[remark.kind],
        )
