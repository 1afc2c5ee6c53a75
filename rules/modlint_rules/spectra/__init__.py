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

RANK_BOTTLENECK = RuleReference(
    code="SPC002",
    name="rank-bottleneck",
    severity=Severity.WARNING,
    summary="a layer that all paths run through leaves the output too few directions",
    source=f"{_FENG}, sections 2 and 3",
    place="modlint_rules.spectra.rank_bottleneck:RankBottleneck",
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

LIPSCHITZ_BOUND = RuleReference(
    code="SPC004",
    name="lipschitz-bound",
    severity=Severity.INFORMATION,
    summary="by how much the network stretches its inputs at most",
    source="arXiv 2404.04549; Araujo et al., arXiv 2006.08391, and arXiv 2109.00959: convolutions",
    place="modlint_rules.spectra.lipschitz_bound:LipschitzBound",
    cost=Cost.DEEP,
)

DEPENDENT_CLASSES = RuleReference(
    code="SPC005",
    name="dependent-classes",
    severity=Severity.WARNING,
    summary="some outputs of the last layer are combinations of the others",
    source=f"{_FENG}, section 5: dependence of categories",
    place="modlint_rules.spectra.dependent_classes:DependentClasses",
    cost=Cost.DEEP,
)

UNSTABLE_RECURRENCE = RuleReference(
    code="SPC007",
    name="unstable-recurrence",
    severity=Severity.WARNING,
    summary="a recurrent layer without gates multiplies its state by more than it can hold",
    source="arXiv 2305.10468; Pascanu et al., On the difficulty of training recurrent networks",
    place="modlint_rules.spectra.unstable_recurrence:UnstableRecurrence",
    cost=Cost.DEEP,
)

COMPRESSIBLE_STRUCTURE = RuleReference(
    code="SPC008",
    name="compressible-structure",
    severity=Severity.INFORMATION,
    summary="weights are Toeplitz, circulant, low-rank or made of blocks, and stored whole",
    source="arXiv 2109.00959; Araujo et al., arXiv 2006.08391",
    place="modlint_rules.spectra.compressible_structure:CompressibleStructure",
    cost=Cost.DEEP,
)

RULES = (
    RANK_DEFICIENT,
    RANK_BOTTLENECK,
    LOW_EFFECTIVE_RANK,
    LIPSCHITZ_BOUND,
    DEPENDENT_CLASSES,
    UNSTABLE_RECURRENCE,
    COMPRESSIBLE_STRUCTURE,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
