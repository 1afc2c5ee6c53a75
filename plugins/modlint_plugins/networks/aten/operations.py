"""All handlers, registered."""

from __future__ import annotations

from modlint_plugins.networks.aten import (
    complexes,
    contractions,
    convolutions,
    creation,
    indexing,
    moves,
    norms,
    pointwise,
    recurrent,
    reductions,
    weighted,
)
from modlint_plugins.networks.aten.tables import OPERATIONS

__all__ = [
    "OPERATIONS",
    "complexes",
    "contractions",
    "convolutions",
    "creation",
    "indexing",
    "moves",
    "norms",
    "pointwise",
    "recurrent",
    "reductions",
    "weighted",
]
