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

UNCHANGED_FROM_REFERENCE = RuleReference(
    code="TRN005",
    name="unchanged-from-reference",
    severity=Severity.NOTE,
    summary="layer weights are bit-identical to the reference",
    source="PyTorch documentation, Transfer Learning Tutorial: frozen parameters; torch.equal",
    place="modlint_rules.training.unchanged_from_reference:UnchangedFromReference",
    cost=Cost.PASS,
)

RULES = (
    NO_OP_ADAPTER,
    UNCHANGED_FROM_REFERENCE,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
