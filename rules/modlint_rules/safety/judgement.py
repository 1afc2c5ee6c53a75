"""What is to be said of each global that a checkpoint's pickles name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from modlint.checkpoint import Checkpoint
from modlint.pickles import GlobalUse, PickleTrace
from modlint.verdict import Confidence, Severity
from modlint_rules.safety.allowlist import CALLED, CALLS_ITS_ARGUMENTS, FOLLOWED, NAMED
from modlint_rules.safety.standard_library import OTHER_VERSIONS

_NEVER_MERELY_DATA = sys.stdlib_module_names | OTHER_VERSIONS | {"torch", "numpy"}
_CALLED = "is called when the file is loaded, and is not on the allow-list"
_PATCHED = "is patched when the file is loaded: the file changes it for the whole process"
_UNLISTED = "loading imports it, and nothing in a checkpoint needs it"
_HANDED_ON = "is named beside a function that calls what it is given"
_REBUILT = "an instance is rebuilt, which imports its module and may run its __setstate__"
_PUSHED = "loading imports its module; the file does not call it"


@dataclass(frozen=True, slots=True)
class Judged:
    """A global that is not taken as safe.

    Attributes:
        member: the archive member whose pickle names it, None for the file itself.
        use: the worst use of it, the first of those.
        count: how often that member's pickles use it.
        severity: how much it weighs.
        confidence: how sure it is to do harm where it does any.
        reason: what is wrong, to follow the rendered use.
    """

    member: str | None
    use: GlobalUse
    count: int
    severity: Severity
    confidence: Confidence
    reason: str


def judge(checkpoint: Checkpoint, allowed: frozenset[str]) -> tuple[Judged, ...]:
    """Every global that is not taken as safe, once for each member, the worst first.

    Args:
        checkpoint: whose pickles to judge.
        allowed: dotted names that the user takes as safe.
    """
    worst: dict[tuple[str | None, str, str], Judged] = {}
    torchscript = checkpoint.format == "torchscript"
    for trace in checkpoint.pickles:
        for judged in _judge_trace(trace, torchscript, allowed):
            key = (judged.member, judged.use.module, judged.use.name)
            known = worst.get(key, replace(judged, count=0))
            worse = judged if judged.severity.rank > known.severity.rank else known
            worst[key] = replace(worse, count=known.count + 1)
    return tuple(sorted(worst.values(), key=lambda judged: -judged.severity.rank))


def _judge_trace(
    trace: PickleTrace, torchscript: bool, allowed: frozenset[str]
) -> Iterator[Judged]:
    hands_on = any(
        use.use == "called" and (use.module, use.name) in CALLS_ITS_ARGUMENTS for use in trace.uses
    )
    for use in trace.uses:
        if use.qualified in allowed or (torchscript and use.module.split(".")[0] == "__torch__"):
            continue
        found = _weigh(use, hands_on)
        if found is not None:
            yield Judged(trace.member, use, 1, *found)


def _weigh(use: GlobalUse, hands_on: bool) -> tuple[Severity, Confidence, str] | None:
    """Severity, confidence and reason; None for what is on the allow-list."""
    if use.opcode == "BUILD" and use.use == "called":
        return Severity.ERROR, Confidence.HIGH, _PATCHED
    if (use.module, use.name) in (CALLED if use.use == "called" else NAMED):
        return None
    if use.followed and (use.module, use.name) in FOLLOWED:
        return None
    if use.use == "called":
        return Severity.ERROR, Confidence.HIGH, _CALLED
    if use.module.split(".")[0] in _NEVER_MERELY_DATA:
        return Severity.ERROR, Confidence.MEDIUM, _UNLISTED
    if use.use == "instantiated":
        return Severity.WARNING, Confidence.HIGH, _REBUILT
    if hands_on:
        return Severity.ERROR, Confidence.MEDIUM, _HANDED_ON
    return Severity.WARNING, Confidence.MEDIUM, _PUSHED
