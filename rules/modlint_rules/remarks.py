"""Rules that judge what a reader noticed: a table from the remark's kind to its severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.reader import is_header_only
from modlint.rule import Examination, Options, OptionsT, Rule
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.targets import place_in_file, unread, whole_file

LISTED = 100


class RemarkRule(Rule[OptionsT]):
    """A rule whose findings are remarks and faults of the reader.

    Attributes:
        kinds: by kind of remark or fault, how much it weighs.
        healthy: message where there is none, to follow the file's name.
        advice: what to do where the remark does not say.
        formats: those that can have such faults; none for every format.
        absent: what is said of a file of another format.
    """

    kinds: ClassVar[Mapping[str, Severity]]
    healthy: ClassVar[str]
    advice: ClassVar[str]
    formats: ClassVar[frozenset[str]] = frozenset()
    absent: ClassVar[str] = ""
    options_type = Options
    statuses = frozenset({Status.CHECKED, Status.UNREADABLE, Status.NOT_A_CHECKPOINT})

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each remark, the first 100, or one passing verdict for the file."""
        checkpoint = file.checkpoint
        findings = list(self.findings(file))
        yield from findings[:LISTED]
        if len(findings) > LISTED:
            rest = findings[LISTED:]
            yield self.failed(
                whole_file(checkpoint),
                f"{count(len(rest), 'further finding')} of the same kind not listed",
                help=self.advice,
                values={"count": len(rest)},
                severity=max((verdict.severity for verdict in rest), key=lambda s: s.rank),
            )
        if findings or checkpoint.status is not Status.CHECKED:
            return
        if self.formats and checkpoint.format not in self.formats:
            yield self.not_applicable(whole_file(checkpoint), self.absent)
        elif (reason := unread(checkpoint)) is not None and not is_header_only(checkpoint):
            yield self.inconclusive(whole_file(checkpoint), reason)
        else:
            yield self.passed(whole_file(checkpoint), self.healthy)

    def findings(self, file: Examination) -> Iterator[Verdict]:
        """Every finding; those of remarks first."""
        checkpoint = file.checkpoint
        for remark in (*checkpoint.remarks, *checkpoint.faults):
            if remark.kind in self.kinds:
                yield self.judged(checkpoint, remark)

    def judged(self, checkpoint: Checkpoint, remark: Remark) -> Verdict:
        """The finding for a remark."""
        return self.failed(
            place_in_file(checkpoint, remark.member, remark.offset),
            remark.message,
            help=remark.help or self.advice,
            values={"kind": remark.kind, "file_offset": remark.file_offset},
            severity=self.kinds[remark.kind],
        )
