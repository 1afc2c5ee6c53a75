"""Tensors that depend on no input, moved: places in a weight, and values that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from modlint_plugins.networks.aten.values import Fixed, Value, computed, root_of


def moved_fixed(function: Callable[..., Any], moved: Sequence[Fixed]) -> Value:
    """What a function that only moves elements makes; a list where it gives one."""
    values = [x.value for x in moved]
    known = None if any(v is None for v in values) else function(*values)
    if known is None and len(moved) == 1 and moved[0].view is not None:
        out = function(moved[0].view)
        several = not isinstance(out, np.ndarray)
        results = [_viewed(moved[0], part) for part in (out if several else [out])]
    else:
        shown = known
        if shown is None:
            shown = function(*(np.broadcast_to(False, x.shape) for x in moved))
        several = not isinstance(shown, np.ndarray)
        results = [
            computed(part.shape, tuple(moved), part if known is not None else None)
            for part in (shown if several else [shown])
        ]
    return results if several else results[0]


def _viewed(x: Fixed, part: Any) -> Fixed:
    if x.view is not None and root_of(part) is root_of(x.view):
        return replace(x, shape=part.shape, view=part, value=None)
    return Fixed(part.shape, x.owners)
