"""TRN: traces of a training that did not happen, or went wrong."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Severity

UNCHANGED_FROM_REFERENCE = RuleReference(
    code="TRN005",
    name="unchanged-from-reference",
    severity=Severity.NOTE,
    summary="layer weights are bit-identical to the reference",
    source="PyTorch documentation, Transfer Learning Tutorial: frozen parameters; torch.equal",
    place="modlint_rules.training.unchanged_from_reference:UnchangedFromReference",
    cost=Cost.PASS,
)

RULES: tuple[RuleReference, ...] = (UNCHANGED_FROM_REFERENCE,)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
