"""Values that stand for one name after branches, or after another turn of a loop."""

from __future__ import annotations

from modlint_plugins.networks.aten.arguments import Tensorlike
from modlint_plugins.networks.aten.values import Fixed, Lost, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.traced import Traced


def merged(walk: Walk, a: Value, b: Value) -> Value:
    """One value for two that may stand there."""
    if a is b:
        return a
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        both = [merged(walk, x, y) for x, y in zip(a, b, strict=True)]
        return tuple(both) if isinstance(a, tuple) else both
    if isinstance(a, Fixed) and isinstance(b, Fixed):
        return Fixed(a.shape) if a.shape == b.shape else Lost("branches of different shapes")
    if isinstance(a, (Traced, Fixed)) and isinstance(b, (Traced, Fixed)):
        if a.shape != b.shape:
            walk.tracer.expose(*(x for x in (a, b) if isinstance(x, Traced)))
            return Lost("branches of different shapes")
        return _merged_tensors(walk, a, b)
    if isinstance(a, (bool, int, float, str, type(None))) and type(a) is type(b) and a == b:
        return a
    return Lost("branches that give different values")


def _merged_tensors(walk: Walk, a: Tensorlike, b: Tensorlike) -> Traced:
    """Two tensors one of which carries channels; what comes of them is either."""
    if isinstance(a, Traced) and isinstance(b, Traced):
        found = walk.tracer.join("sum", a, b)
    else:
        found = walk.traced(a if isinstance(a, Traced) else b)
    walk.tracer.altered(found)
    return found
