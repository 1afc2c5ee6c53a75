"""TRN: traces of a training that did not happen, or went wrong."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Severity

NO_OP_ADAPTER = RuleReference(
    code="TRN003",
    name="no-op-adapter",
    severity=Severity.WARNING,
    summary="an adapter with zero or lost factors, or unlike its adapter_config.json",
    source="Hu et al., LoRA, arXiv 2106.09685, section 4.1: B is zero before training; PEFT",
    place="modlint_rules.training.no_op_adapter:NoOpAdapter",
    cost=Cost.PASS,
)

RULES: tuple[RuleReference, ...] = (NO_OP_ADAPTER,)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
