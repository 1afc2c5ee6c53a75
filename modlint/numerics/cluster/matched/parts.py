"""Which layers the effect comes from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint.numerics.cluster.matched.spectrum import Layout, leading_vectors, normalised
from modlint.numerics.graph.edges import Edges, Pair


def joined(edges: Edges, layout: Layout, k: int) -> dict[Pair, float]:
    """By pair of groups, its part of the sum of the k leading eigenvalues: 2 Σ_i u_iᵀ W v_i."""
    vectors = leading_vectors(edges, layout, k)
    return {
        (source, target): float(2 * (vectors[source] * (weights @ vectors[target])).sum())
        for (source, target), weights in normalised(edges).items()
    }


def parts_of(
    own: dict[Pair, float], others: Sequence[dict[Pair, float]], median: float
) -> dict[Pair, float]:
    """How much more of the sum each pair has than in exchanged networks, over a median of S_k."""
    return {
        pair: (value - float(np.mean([other[pair] for other in others]))) / median
        for pair, value in own.items()
    }
