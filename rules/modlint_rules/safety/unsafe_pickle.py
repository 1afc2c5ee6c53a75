"""SEC001: a pickle that could run code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.checkpoint import Checkpoint, Status
from modlint.pickles import PickleTrace
from modlint.rule import Examination, Options, Rule
from modlint.scopes import unread
from modlint.targets import place_in_file, whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.safety import UNSAFE_PICKLE
from modlint_rules.safety.judgement import Familiar, Judged, judge

_LISTED = 100
_NO_PICKLE_FOUND = "no pickle was found"
_GLOBAL_OR_PACKAGE = r"^[^*]+(\.\*)?$"
_HELP = {
    Severity.ERROR: (
        "do not load this file; ask for its weights as safetensors. If you know the global to be"
        " harmless, name it in allow-globals"
    ),
    Severity.WARNING: (
        "loading imports that class's module: load it only where you trust the code; better,"
        " save the state_dict instead of the object"
    ),
    Severity.NOTE: (
        "loading imports that library's modules; where only the tensors are needed, save the"
        " state_dict instead of the objects"
    ),
}
_WAYS = {"instantiated": "rebuilt", "called": "called", "handed-on": "called", "pushed": "named"}


class UnsafePickleOptions(Options, frozen=True):
    """Options of SEC001."""

    allow_globals: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=_GLOBAL_OR_PACKAGE)], ...],
        msgspec.Meta(
            description="dotted names of further globals to take as safe, and package.* for"
            " classes that are rebuilt"
        ),
    ] = ()


class UnsafePickle(Rule[UnsafePickleOptions], reference=UNSAFE_PICKLE):
    """A pickle that names a global outside the allow-list."""

    options_type = UnsafePickleOptions
    statuses = frozenset({Status.CHECKED, Status.UNREADABLE, Status.NOT_A_CHECKPOINT})

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each global and member, and each library, or one passing verdict."""
        checkpoint = file.checkpoint
        judgement = judge(checkpoint, frozenset(self.options.allow_globals))
        judged, familiar = judgement.judged, judgement.familiar
        incomplete = [trace for trace in checkpoint.pickles if trace.incomplete is not None]
        for trace in incomplete[:_LISTED]:
            yield self._unfinished(checkpoint, trace)
        for finding in judged[:_LISTED]:
            yield self._finding(checkpoint, finding)
        if rest := max(len(judged) - _LISTED, 0) + max(len(incomplete) - _LISTED, 0):
            yield self._rest(checkpoint, rest)
        for library in familiar:
            yield self._note(checkpoint, library)
        if not judged and not incomplete:
            yield from self._summary(checkpoint, bool(familiar))

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

    def _note(self, checkpoint: Checkpoint, library: Familiar) -> Verdict:
        ways = Counter(_WAYS[use] for use in library.uses.values())
        how = ", ".join(f"{ways[way]} {way}" for way in ("rebuilt", "called", "named") if ways[way])
        total = count(len(library.uses), "global")
        pronoun = "it" if len(library.uses) == 1 else "them"
        return self.failed(
            place_in_file(checkpoint, library.member, library.offset),
            f"{total} of {library.package}, used as {library.package} writes {pronoun} ({how})",
            help=_HELP[Severity.NOTE],
            values={
                "library": library.package,
                "globals": sorted(library.uses)[:_LISTED],
                "count": len(library.uses),
            },
            severity=Severity.NOTE,
        )

    def _summary(self, checkpoint: Checkpoint, noted: bool) -> Iterator[Verdict]:
        """What is said where nothing weighs more than a note."""
        target = whole_file(checkpoint)
        pickles = len(checkpoint.pickles)
        uses = {use.qualified for trace in checkpoint.pickles for use in trace.uses}
        allowed = (
            f"{count(len(uses), 'global')} in {count(pickles, 'pickle')}, all on the allow-list"
        )
        if unread(checkpoint) or checkpoint.status is Status.UNREADABLE:
            found = "nothing worse was found" if noted else allowed if pickles else _NO_PICKLE_FOUND
            yield self.inconclusive(target, f"{found}, but the file was not wholly read")
        elif noted:
            return
        elif pickles:
            values = {"pickles": pickles, "globals": len(uses)}
            yield self.passed(target, allowed, values=values)
        elif checkpoint.status is Status.CHECKED:
            yield self.passed(target, "holds no pickle", values={"pickles": 0, "globals": 0})
