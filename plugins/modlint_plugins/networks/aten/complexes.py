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
    return walk.tracer.reduced(a.op, x, [-1], keep=False)


@table("polar", "abs angle")
def _polar(walk: Walk, a: Arguments) -> Value:
    x = a.tensor("abs")
    return computed(x.shape, (x,)) if isinstance(x, Fixed) else x
