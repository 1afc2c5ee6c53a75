"""All handlers, registered."""

from __future__ import annotations

from modlint_plugins.networks.aten import (
    complexes,
    contractions,
    convolutions,
    creation,
    einsum,
    indexing,
    joining,
    moves,
    norms,
    padding,
    pointwise,
    pooling,
    recurrent,
    reductions,
    shuffles,
    weighted,
)
from modlint_plugins.networks.aten.tables import OPERATIONS

__all__ = [
    "OPERATIONS",
    "complexes",
    "contractions",
    "convolutions",
    "creation",
    "einsum",
    "indexing",
    "joining",
    "moves",
    "norms",
    "padding",
    "pointwise",
    "pooling",
    "recurrent",
    "reductions",
    "shuffles",
    "weighted",
]
