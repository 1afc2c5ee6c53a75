"""SPC: spectra and ranks of weights."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Confidence, Cost, Severity

_FENG = "Feng et al., Rank Diminishing in Deep Neural Networks, arXiv 2206.06072"

RANK_DEFICIENT = RuleReference(
    code="SPC001",
    name="rank-deficient",
    severity=Severity.NOTE,
    summary="a weight has fewer directions than rows and columns",
    source=f"{_FENG}, section 3; numerical rank",
    place="modlint_rules.spectra.rank_deficient:RankDeficient",
    cost=Cost.DEEP,
)

LOW_EFFECTIVE_RANK = RuleReference(
    code="SPC003",
    name="low-effective-rank",
    severity=Severity.NOTE,
    summary="few directions hold nearly all of a weight",
    source=f"{_FENG}; Roy and Vetterli, The Effective Rank, EUSIPCO 2007",
    place="modlint_rules.spectra.low_effective_rank:LowEffectiveRank",
    confidence=Confidence.MEDIUM,
    cost=Cost.DEEP,
)

RULES = (RANK_DEFICIENT, LOW_EFFECTIVE_RANK)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
