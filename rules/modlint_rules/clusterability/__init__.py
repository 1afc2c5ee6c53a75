"""CLU: how far a network falls into clusters of neurons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """The rules of this family."""
    from modlint_rules.clusterability.clusterability_regressed import ClusterabilityRegressed
    from modlint_rules.clusterability.dead_units_change_verdict import DeadUnitsChangeVerdict
    from modlint_rules.clusterability.fragmented_network import FragmentedNetwork
    from modlint_rules.clusterability.not_clusterable import NotClusterable
    from modlint_rules.clusterability.scale_dependent_clusters import ScaleDependentClusters
    from modlint_rules.clusterability.unbalanced_clusters import UnbalancedClusters

    guards = (ScaleDependentClusters, DeadUnitsChangeVerdict, FragmentedNetwork)
    return (NotClusterable, UnbalancedClusters, *guards, ClusterabilityRegressed)
