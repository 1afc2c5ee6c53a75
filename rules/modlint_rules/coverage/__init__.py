"""COV: what the run did not look at."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Severity

NOT_EXAMINED = RuleReference(
    code="COV001",
    name="not-examined",
    severity=Severity.INFORMATION,
    summary="tensors that no rule could examine, and why",
    source="modlint's own: what was not examined is never called clean",
    place="modlint_rules.coverage.not_examined:NotExamined",
    cost=Cost.PASS,
)

RULES = (NOT_EXAMINED,)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
