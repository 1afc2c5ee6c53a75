"""Training networks to be clusterable, as modlint measures it."""

from modlint_train.errors import NotInferred, NotScalable
from modlint_train.initialisation import clusterable_init_
from modlint_train.normalisation import UnitNormaliser, normalise_units_
from modlint_train.partition import FixedPartition
from modlint_train.penalty import ClusterabilityPenalty, clusterability_penalty
from modlint_train.wiring import WiringCost

__all__ = [
    "ClusterabilityPenalty",
    "FixedPartition",
    "NotInferred",
    "NotScalable",
    "UnitNormaliser",
    "WiringCost",
    "clusterability_penalty",
    "clusterable_init_",
    "normalise_units_",
]
