"""Tensors that are made of nothing but sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, as_tensor, plain
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, Fixed, UnfollowedError, Value, number
from modlint_plugins.networks.aten.walk import Walk

_CONSTANTS = {"zeros": 0, "ones": 1, "new_zeros": 0, "new_ones": 1, "zeros_like": 0, "ones_like": 1}


@table("zeros ones empty rand randn new_empty empty_strided", "size")
def _sized(_: Walk, a: Arguments) -> Value:
    return _filled(a.ints("size"), _CONSTANTS.get(a.op))


@table("new_zeros new_ones new_empty", "self size")
def _sized_alike(_: Walk, a: Arguments) -> Value:
    return _filled(a.ints("size"), _CONSTANTS.get(a.op))


@table("full", "size fill_value")
def _full(_: Walk, a: Arguments) -> Value:
    return _filled(a.ints("size"), plain(a.get("fill_value")))


@table("new_full", "self size fill_value")
def _new_full(_: Walk, a: Arguments) -> Value:
    return _filled(a.ints("size"), plain(a.get("fill_value")))


@table("zeros_like ones_like empty_like rand_like randn_like bernoulli multinomial normal", "self")
def _alike(_: Walk, a: Arguments) -> Value:
    return _filled(as_tensor(a.first, a.op).shape, _CONSTANTS.get(a.op))


@table("full_like fill", "self fill_value")
def _full_like(_: Walk, a: Arguments) -> Value:
    return _filled(as_tensor(a.first, a.op).shape, plain(a.all[1]))


@table("zero", "self")
def _zero(_: Walk, a: Arguments) -> Value:
    return _filled(as_tensor(a.first, a.op).shape, 0)


def _filled(shape: tuple[int, ...], value: Any) -> Fixed:
    if any(n < 0 for n in shape):
        raise ValueError(f"sizes {shape}")
    if not isinstance(value, (bool, int, float)):
        return Fixed(shape)
    return Fixed(shape, value=np.broadcast_to(np.asarray(value), shape))


@table("arange", "start end step")
def _arange(_: Walk, a: Arguments) -> Value:
    numbers = [
        plain(v)
        for v in (*a.positional, *(a.named[k] for k in ("start", "end", "step") if k in a.named))
    ]
    numbers = [v for v in numbers if isinstance(v, (int, float)) and not isinstance(v, bool)][:3]
    if not numbers or len(range(*map(int, numbers))) > MAX_ELEMENTS:
        raise UnfollowedError("arange of what is not known")
    return number(np.arange(*numbers))


@table("linspace logspace", "start end steps")
def _linspace(_: Walk, a: Arguments) -> Value:
    return Fixed((a.int("steps"),))


@table("eye", "n m")
def _eye(_: Walk, a: Arguments) -> Value:
    n = a.int("n")
    return Fixed((n, a.int("m", n) if len(a.positional) > 1 else n))


@table("scalar_tensor tensor as_tensor", "s")
def _scalar(_: Walk, a: Arguments) -> Value:
    value = a.first
    if isinstance(value, (list, tuple)):
        items = [plain(v) for v in value]
        plain_items = all(isinstance(v, (bool, int, float)) for v in items)
        return number(items) if plain_items else Fixed((len(items),))
    return as_tensor(value, a.op)


@table("meshgrid", "tensors indexing")
def _meshgrid(walk: Walk, a: Arguments) -> Value:
    parts = [as_tensor(x, a.op) for x in a.get("tensors")]
    grid = tuple(x.size if isinstance(x, Fixed) else x.shape[0] for x in parts)
    swap = a.get("indexing", "ij") == "xy" and len(grid) > 1
    shape = (grid[1], grid[0], *grid[2:]) if swap else grid
    places = [1 - i if swap and i < 2 else i for i in range(len(parts))]
    return [
        walk.move(
            "meshgrid",
            lambda v, i=i: np.broadcast_to(
                v.reshape([-1 if k == i else 1 for k in range(len(shape))]), shape
            ),
            x,
        )
        for i, x in zip(places, parts, strict=True)
    ]


@table(
    "_assert_async _assert_tensor_metadata _assert_scalar sym_constrain_range"
    " sym_constrain_range_for_size _check _log_api_usage_once",
    "self",
)
def _nothing(_: Walk, __: Arguments) -> Value:
    return None
