"""How far units of a cluster are active together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint.numerics.graph.channels import Floats


def co_activations(
    activations: Floats, labels: Sequence[int]
) -> dict[int, tuple[float | None, float | None]]:
    """By cluster, mean |r| of two of its units, and of one of its units and one outside.

    r is Pearson's correlation over samples. Units whose activation does not vary, and units in no
    cluster, are left out. None stands where there is no pair.

    Args:
        activations: (samples, units).
        labels: each unit's cluster, −1 of units that are left out.
    """
    own = np.asarray(labels)
    scale = activations.std(0, dtype=np.float64)
    kept = (own >= 0) & (scale > 0)
    centred = (activations[:, kept] - activations[:, kept].mean(0, dtype=np.float64)) / scale[kept]
    together = np.abs(centred.T @ centred) / len(activations)
    np.fill_diagonal(together, 0)
    found = {}
    for cluster in np.unique(own[own >= 0]).tolist():
        inside = own[kept] == cluster
        number, others = int(inside.sum()), int((~inside).sum())
        within, across = together[inside][:, inside].sum(), together[inside][:, ~inside].sum()
        found[cluster] = (
            _mean(within, number * (number - 1)),
            _mean(across, number * others),
        )
    return found


def _mean(total: float, pairs: int) -> float | None:
    return float(total / pairs) if pairs else None
