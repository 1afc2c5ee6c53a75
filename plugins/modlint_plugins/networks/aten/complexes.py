"""Complex numbers: a pair of elements is one."""

from __future__ import annotations

from modlint_plugins.networks.aten.arguments import Arguments
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, Value, computed
from modlint_plugins.networks.aten.walk import Walk


@table("view_as_complex", "self")
def _view_as_complex(walk: Walk, a: Arguments) -> Value:
    x = a.tensor("self")
    if isinstance(x, Fixed):
        return computed(x.shape[:-1], (x,))
    pairs = walk.tracer.pooled(x, [x.rank - 1], (*x.shape[:-1], 1))
    return walk.run("squeeze", pairs, -1)


@table("polar", "abs angle")
def _polar(_: Walk, a: Arguments) -> Value:
    x = a.tensor("abs")
    return computed(x.shape, (x,)) if isinstance(x, Fixed) else x
