"""What statistics of its own channels make of a tensor: norms that an export has taken apart."""

from __future__ import annotations

import numpy as np

from modlint.network import JoinKind
from modlint_plugins.networks.flow.table import NodeTable
from modlint_plugins.networks.flow.traced import Normed, Traced


def normed(table: NodeTable, kind: JoinKind, a: Traced, b: Traced) -> Normed | None:
    """What a statistic of its own channels makes of a tensor, were it divided or multiplied."""
    x, statistic = (a, b) if b.is_unlabelled else (b, a)
    if x.is_unlabelled or statistic.origin is None or statistic.origin.parts is None:
        return None
    if not np.array_equal(table.bare(x.labels), table.bare(statistic.origin.parts)):
        return None
    if kind == "sum":
        return "centred"
    return "layer" if x.normed == "centred" else "rms"
