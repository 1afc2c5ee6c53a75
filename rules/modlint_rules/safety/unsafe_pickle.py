"""SEC001: a pickle that could run code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.checkpoint import Checkpoint, Status
from modlint.pickles import PickleTrace
from modlint.rule import Examination, Options, Rule
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.safety.judgement import Judged, judge
from modlint_rules.targets import place_in_file, whole_file

_LISTED = 100
_HELP = {
    Severity.ERROR: (
        "do not load this file; ask for its weights as safetensors. If you know the global to be"
        " harmless, name it in allow-globals"
    ),
    Severity.WARNING: (
        "loading imports that class's module: load it only where you trust the code; better,"
        " save the state_dict instead of the object"
    ),
}


class UnsafePickleOptions(Options, frozen=True):
    """Options of SEC001."""

    allow_globals: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="exact dotted names of further globals to take as safe"),
    ] = ()


class UnsafePickle(Rule[UnsafePickleOptions]):
    """A pickle that names a global outside the allow-list."""

    code = "SEC001"
    name = "unsafe-pickle"
    summary = "a pickle calls, rebuilds or names a global that is not on the allow-list"
    severity = Severity.ERROR
    source = "Python documentation, pickle, 'Restricting Globals'; CVE-2025-32434"
    options_type = UnsafePickleOptions
    statuses = frozenset({Status.CHECKED, Status.UNREADABLE, Status.NOT_A_CHECKPOINT})

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each global and member, or one passing verdict for the file."""
        checkpoint = file.checkpoint
        judged = judge(checkpoint, frozenset(self.options.allow_globals))
        incomplete = [trace for trace in checkpoint.pickles if trace.incomplete is not None]
        for trace in incomplete[:_LISTED]:
            yield self._unfinished(checkpoint, trace)
        for finding in judged[:_LISTED]:
            yield self._finding(checkpoint, finding)
        if rest := max(len(judged) - _LISTED, 0) + max(len(incomplete) - _LISTED, 0):
            yield self._rest(checkpoint, rest)
        if not judged and not incomplete:
            yield from self._summary(checkpoint)

    def _finding(self, checkpoint: Checkpoint, finding: Judged) -> Verdict:
        use = finding.use
        return self.failed(
            place_in_file(checkpoint, finding.member, use.offset),
            f"{use.rendered}: {finding.reason}",
            help=_HELP[finding.severity],
            values={
                "global": use.qualified,
                "use": use.use,
                "opcode": use.opcode,
                "count": finding.count,
            },
            severity=finding.severity,
            confidence=finding.confidence,
        )

    def _unfinished(self, checkpoint: Checkpoint, trace: PickleTrace) -> Verdict:
        return self.failed(
            place_in_file(checkpoint, trace.member, trace.offset + trace.nbytes),
            f"a pickle could not be interpreted to its end: {trace.incomplete}",
            help="do not load this file: what was not interpreted may run code",
            values={"opcodes": trace.opcodes, "bytes": trace.nbytes},
        )

    def _rest(self, checkpoint: Checkpoint, rest: int) -> Verdict:
        return self.failed(
            whole_file(checkpoint),
            f"{count(rest, 'further finding')} of the same kind not listed",
            help=_HELP[Severity.ERROR],
            values={"count": rest},
        )

    def _summary(self, checkpoint: Checkpoint) -> Iterator[Verdict]:
        target = whole_file(checkpoint)
        pickles = len(checkpoint.pickles)
        uses = {use.qualified for trace in checkpoint.pickles for use in trace.uses}
        values = {"pickles": pickles, "globals": len(uses)}
        if pickles:
            message = (
                f"{count(len(uses), 'global')} in {count(pickles, 'pickle')}, all on the allow-list"
            )
            yield self.passed(target, message, values=values)
        elif checkpoint.status is Status.CHECKED:
            yield self.passed(target, "holds no pickle", values=values)
        elif checkpoint.status is Status.UNREADABLE:
            yield self.inconclusive(target, "no pickle was found, but the file was not wholly read")
