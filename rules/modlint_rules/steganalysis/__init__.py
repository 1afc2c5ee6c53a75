"""STG: what is hidden in the numbers."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Confidence, Cost, Persona, Severity

MANTISSA_PAYLOAD = RuleReference(
    code="STG001",
    name="mantissa-payload",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    summary="mantissas are spread as those of bits that were written over",
    source="Wang, Liu and Cui, EvilModel, IEEE ISCC 2021, arXiv:2107.08590, section III",
    place="modlint_rules.steganalysis.mantissa_payload:MantissaPayload",
    cost=Cost.DEEP,
)

LOW_BIT_PAYLOAD = RuleReference(
    code="STG002",
    name="low-bit-payload",
    severity=Severity.NOTE,
    confidence=Confidence.MEDIUM,
    summary="low bits of quantised codes are spread as those that were written over",
    source="Westfeld and Pfitzmann, Attacks on Steganographic Systems, IH 1999: pairs of values",
    place="modlint_rules.steganalysis.low_bit_payload:LowBitPayload",
    cost=Cost.DEEP,
    persona=Persona.AUDITOR,
)

LOW_BIT_DIFF = RuleReference(
    code="STG003",
    name="low-bit-diff",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    summary="differences from the reference are confined to low bits",
    source="Wang, Liu and Cui, EvilModel, IEEE ISCC 2021, arXiv:2107.08590, section III",
    place="modlint_rules.steganalysis.low_bit_diff:LowBitDiff",
    cost=Cost.PASS,
)

RULES: tuple[RuleReference, ...] = (MANTISSA_PAYLOAD, LOW_BIT_PAYLOAD, LOW_BIT_DIFF)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
