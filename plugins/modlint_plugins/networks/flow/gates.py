"""Functions of one channel that are written as products and sums of several."""

from __future__ import annotations

import numpy as np

from modlint.network import OFFSET, JoinKind
from modlint_plugins.networks.flow.labels import NONE, squashed
from modlint_plugins.networks.flow.nodes import PointNode
from modlint_plugins.networks.flow.table import NodeTable
from modlint_plugins.networks.flow.traced import Traced

_GATED = {
    "sigmoid": "silu",
    "hardsigmoid": "hardswish",
    "erf": "gelu",
    "tanh": "gelu",
    "softplus": "mish",
    "abs": "softsign",
}
"""What x·f(x) is called."""

_POLYNOMIALS = frozenset({"square", "polynomial"})

_THROUGH = frozenset(_GATED) | _POLYNOMIALS | {OFFSET}
"""What may lie between x and f(x)."""


def of_one(table: NodeTable, kind: JoinKind, a: Traced, b: Traced) -> tuple[str, Traced] | None:
    """The activation that joining two functions of the same channels makes, and of what.

    Returns:
        None where the two are no functions of the same channels alone.
    """
    if kind == "product":
        for x, gate in ((a, b), (b, a)):
            name = _self_gated(table, x, gate)
            if name is not None:
                return name, x
    return _polynomial(table, kind, a, b)


def _self_gated(table: NodeTable, x: Traced, gate: Traced) -> str | None:
    """What x·f(x) is called; None where the gate is no function of x alone."""
    labels, names = gate.labels, list[str]()
    if x.shape != gate.shape:
        return None
    while isinstance(node := table.at(labels), PointNode) and node.activation in _THROUGH:
        names += [node.activation] if node.activation in _GATED else []
        place = np.clip(labels - node.base, 0, node.size - 1)
        labels = squashed(np.where(labels > NONE, node.operand[place], labels))
        if names and np.array_equal(labels, x.labels):
            return "mish" if "softplus" in names else _GATED[names[0]]
    return None


def _polynomial(
    table: NodeTable, kind: JoinKind, a: Traced, b: Traced
) -> tuple[str, Traced] | None:
    """x·x, and what is added to a polynomial of x or multiplied with it."""
    if a.shape != b.shape or a.is_unlabelled:
        return None
    if kind == "product" and np.array_equal(a.labels, b.labels):
        return "square", a
    for x, other in ((a, b), (b, a)):
        node = table.at(other.labels)
        if isinstance(node, PointNode) and node.activation in _POLYNOMIALS:
            place = np.clip(other.labels - node.base, 0, node.size - 1)
            if np.array_equal(np.where(other.labels > NONE, node.operand[place], 0), x.labels):
                return "polynomial", x
    return None
