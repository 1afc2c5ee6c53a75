"""CLU: how far a network falls into clusters of neurons."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Severity

NOT_CLUSTERABLE = RuleReference(
    code="CLU001",
    name="not-clusterable",
    severity=Severity.INFORMATION,
    summary="neurons form no better clusters than those of the shuffled weights",
    source="Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, sections 2-3",
    place="modlint_rules.clusterability.not_clusterable:NotClusterable",
    cost=Cost.DEEP,
)

UNBALANCED_CLUSTERS = RuleReference(
    code="CLU002",
    name="unbalanced-clusters",
    severity=Severity.INFORMATION,
    summary="one module holds most of the neurons, or few modules hold nearly all",
    source="Hill, Diversity and Evenness, Ecology 54 (1973): exp(entropy) as effective number",
    place="modlint_rules.clusterability.unbalanced_clusters:UnbalancedClusters",
    cost=Cost.DEEP,
)

SCALE_DEPENDENT_CLUSTERS = RuleReference(
    code="CLU003",
    name="scale-dependent-clusters",
    severity=Severity.INFORMATION,
    summary="units differ in a scale that changes clusters but not what the network computes",
    source="Osborne, J. ACM 7 (1960), balancing; the test is modlint's own",
    place="modlint_rules.clusterability.scale_dependent_clusters:ScaleDependentClusters",
    cost=Cost.DEEP,
)

DEAD_UNITS_CHANGE_VERDICT = RuleReference(
    code="CLU004",
    name="dead-units-change-verdict",
    severity=Severity.INFORMATION,
    summary="whether the network counts as clusterable hangs on units that carry nothing",
    source="Filan et al., arXiv 2103.03386; Tanaka et al., arXiv 2006.05467: flow",
    place="modlint_rules.clusterability.dead_units_change_verdict:DeadUnitsChangeVerdict",
    cost=Cost.DEEP,
)

FRAGMENTED_NETWORK = RuleReference(
    code="CLU005",
    name="fragmented-network",
    severity=Severity.INFORMATION,
    summary="the network is several ones side by side that share no weight",
    source="Filan et al., Clusterability in Neural Networks, arXiv 2103.03386, section 2",
    place="modlint_rules.clusterability.fragmented_network:FragmentedNetwork",
    cost=Cost.DEEP,
)

CLUSTERABILITY_REGRESSED = RuleReference(
    code="CLU006",
    name="clusterability-regressed",
    severity=Severity.WARNING,
    summary="modules in the baseline checkpoint, and none here (--baseline-model)",
    source="Filan et al., arXiv 2103.03386; Westfall and Young (1993): max-T; the null is new",
    place="modlint_rules.clusterability.clusterability_regressed:ClusterabilityRegressed",
    cost=Cost.DEEP,
)

NO_MODULES = RuleReference(
    code="CLU007",
    name="no-modules",
    severity=Severity.INFORMATION,
    summary="units group no more than their strengths alone make them",
    source="Filan et al., arXiv 2103.03386; Westfall and Young (1993): max-T; the null is new",
    place="modlint_rules.clusterability.no_modules:NoModules",
    cost=Cost.DEEP,
)

RULES = (
    NOT_CLUSTERABLE,
    UNBALANCED_CLUSTERS,
    SCALE_DEPENDENT_CLUSTERS,
    DEAD_UNITS_CHANGE_VERDICT,
    FRAGMENTED_NETWORK,
    CLUSTERABILITY_REGRESSED,
    NO_MODULES,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
