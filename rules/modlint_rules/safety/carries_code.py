"""SEC003: code that a checkpoint carries and that its format's own loader runs."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modlint.checkpoint import Checkpoint, Remark
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count, printable
from modlint.verdict import Outcome, Severity, Verdict
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.safety import CARRIES_CODE

_PRESENT = ("callable-name", "python-code", "remote-code", "unknown-operator")
_ACTS = (
    "acting-code",
    "acting-template",
    "compiled-code",
    "computed-callable",
    "file-operator",
    "foreign-class",
    "foreign-code",
    "foreign-package",
    "hub-kernel",
    "lambda-layer",
    "standard-callable",
    "unchecked-operator",
    "unexamined-code",
    "unparsed-code",
)
_RUNS = (
    "acting-callable",
    "acting-operator",
    "compiler-command",
    "evaluated-expression",
    "foreign-kernel",
    "hidden-module",
    "installed-package",
    "standard-class",
)
_NAMED = 3
_SHOWN = 60


class CarriesCode(RemarkRule[Options], reference=CARRIES_CODE):
    """Python, native or template code that comes with the weights."""

    kinds = {  # noqa: RUF012
        **dict.fromkeys(_PRESENT, Severity.NOTE),
        **dict.fromkeys(_ACTS, Severity.WARNING),
        **dict.fromkeys(_RUNS, Severity.ERROR),
    }
    sound = "carries no code that a loader runs"
    advice = "read the code before anything loads this file"

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each place; nothing passes of which a part was not read."""
        faults = file.checkpoint.faults
        for verdict in super().check(file):
            if verdict.outcome is Outcome.PASS and faults:
                reason = f"not wholly searched for code: {faults[0].message}"
                yield self.inconclusive(whole_file(file.checkpoint), reason)
            else:
                yield verdict

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """What acts, place by place; what is only present once for each kind."""
        checkpoint = file.checkpoint
        present: dict[str, list[Remark]] = {}
        for remark in (*checkpoint.remarks, *checkpoint.faults):
            if self.kinds.get(remark.kind) is Severity.NOTE:
                present.setdefault(remark.kind, []).append(remark)
            elif remark.kind in self.kinds:
                yield self.judged(checkpoint, remark)
        for remarks in present.values():
            yield self._together(checkpoint, remarks)

    def _together(self, checkpoint: Checkpoint, remarks: list[Remark]) -> Verdict:
        """One finding for remarks of one kind."""
        first, *others = remarks
        verdict = self.judged(checkpoint, first)
        if not others:
            return verdict
        named = [printable(remark.member or "the file", _SHOWN) for remark in others[:_NAMED]]
        more = f" (and {count(len(others), 'further place')}, such as {', '.join(named)})"
        values = {**verdict.values, "count": len(remarks)}
        return msgspec.structs.replace(verdict, message=verdict.message + more, values=values)
