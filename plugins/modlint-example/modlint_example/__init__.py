"""An example plugin for modlint: the hooks, and nothing heavy at import time."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.reader import Reader
from modlint.reporter import Reporter
from modlint.rule_reference import RuleReference
from modlint.verdict import Confidence, Cost, Severity

OFF_CENTRE = RuleReference(
    code="EXA001",
    name="off-centre",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    summary="weights lie to one side of zero",
    source="Glorot and Bengio, AISTATS 2010: initial weights have mean zero",
    place="modlint_example.off_centre:OffCentre",
    cost=Cost.PASS,
)


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """One rule; modlint imports its module when somebody selects it."""
    return (OFF_CENTRE,)


@hookimpl
def modlint_readers() -> Iterable[Reader]:
    """One reader."""
    from modlint_example.tinyjson import TinyJson

    return (TinyJson(),)


@hookimpl
def modlint_reporters() -> Iterable[Reporter]:
    """One reporter."""
    from modlint_example.counts import Counts

    return (Counts(),)
