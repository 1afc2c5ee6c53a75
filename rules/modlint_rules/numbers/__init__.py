"""NUM: the numbers in the tensors."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Severity

NON_FINITE = RuleReference(
    code="NUM001",
    name="non-finite",
    severity=Severity.ERROR,
    summary="a tensor holds NaN or infinite elements",
    source="IEEE 754-2019, section 6: NaN and infinity propagate through every later operation",
    place="modlint_rules.numbers.non_finite:NonFinite",
    cost=Cost.PASS,
)

QUANTISATION_CONTRACT = RuleReference(
    code="NUM006",
    name="quantisation-contract",
    severity=Severity.ERROR,
    summary="codes, scales and configuration of quantised weights contradict one another",
    source="compressed-tensors, ModelOpt, AutoGPTQ, AutoAWQ, bitsandbytes, ONNX: their formats",
    place="modlint_rules.numbers.quantisation_contract:QuantisationContract",
    cost=Cost.PASS,
)

RULES = (
    NON_FINITE,
    QUANTISATION_CONTRACT,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
