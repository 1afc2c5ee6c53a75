"""Moves of several tensors: side by side, or into one another."""

from __future__ import annotations

from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments
from modlint_plugins.networks.aten.moves import Array, span_of
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, Fixed, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk


@table("stack", "tensors dim")
def _stack(walk: Walk, a: Arguments) -> Value:
    parts = _listed(walk, a)
    return walk.move("stack", lambda *xs: np.stack(xs, a.int("dim", 0)), *parts)


@table("cat concat concatenate", "tensors dim")
def _cat(walk: Walk, a: Arguments) -> Value:
    parts = [x for x in _listed(walk, a) if x.shape != (0,)]
    name = "axis" if "axis" in a.named else "dim"
    axis = a.int(name, 0) % parts[0].rank
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(x, Fixed) for x in parts):
        return walk.move("concat", lambda *xs: np.concatenate(xs, axis), *parts)
    return walk.tracer.concat("concat", axis, *(walk.traced(x) for x in parts))


@table("hstack vstack dstack column_stack", "tensors")
def _stacks(walk: Walk, a: Arguments) -> Value:
    return walk.move(a.op, lambda *xs: getattr(np, a.op)(xs), *_listed(walk, a))


def _listed(_: Walk, a: Arguments) -> list[Any]:
    given = a.get("tensors")
    if not isinstance(given, (list, tuple)) or not given:
        raise UnfollowedError(f"{a.op} of no tensors")
    inner = [Arguments(a.op, (x,), {}, ("self",)).tensor("self") for x in given]
    if sum(int(np.prod(x.shape, dtype=object)) for x in inner) > 4 * MAX_ELEMENTS:
        raise UnfollowedError(f"{a.op} of more than {4 * MAX_ELEMENTS:,} elements")
    return inner


@table("slice_scatter", "self src dim start end step")
def _slice_scatter(walk: Walk, a: Arguments) -> Value:
    def written(x: Array, src: Array) -> Array:
        out = np.array(x)
        out[(slice(None),) * (a.int("dim", 0) % x.ndim) + (span_of(a),)] = src
        return out

    return walk.move(a.op, written, a.tensor("self"), a.tensor("src"))


@table("select_scatter", "self src dim index")
def _select_scatter(walk: Walk, a: Arguments) -> Value:
    def written(x: Array, src: Array) -> Array:
        out = np.array(x)
        out[(slice(None),) * (a.int("dim") % x.ndim) + (a.int("index"),)] = src
        return out

    return walk.move(a.op, written, a.tensor("self"), a.tensor("src"))


@table("expand_as view_as reshape_as", "self other")
def _alike(walk: Walk, a: Arguments) -> Value:
    shape = a.tensor("other").shape
    expand = a.op == "expand_as"
    function = (lambda x: np.broadcast_to(x, shape)) if expand else (lambda x: x.reshape(shape))
    return walk.move(a.op, function, a.tensor("self"))
