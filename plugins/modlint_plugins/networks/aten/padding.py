"""Padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments
from modlint_plugins.networks.aten.moves import Array, moving
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, UnfollowedError


@moving("pad constant_pad_nd", "self pad mode value")
def _pad(x: Array, a: Arguments) -> Array:
    mode = a.get("mode", "constant") if a.op == "pad" else "constant"
    return _padded_all(x, a.ints("pad"), str(mode))


@moving(
    "reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d"
    " replication_pad3d",
    "self padding",
)
def _pad_by_name(x: Array, a: Arguments) -> Array:
    mode = "reflect" if a.op.startswith("reflection") else "replicate"
    return _padded_all(x, a.ints("padding"), mode)


_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _padded_all(x: Array, sizes: Sequence[int], mode: str) -> Array:
    for i in range(len(sizes) // 2):
        x = padded(x, -1 - i, sizes[2 * i], sizes[2 * i + 1], mode)
    return x


def padded(x: Array, axis: int, before: int, after: int, mode: str) -> Array:
    """An axis made longer at both ends, or shorter where a number is negative."""
    axis %= x.ndim
    cut = slice(max(0, -before), x.shape[axis] - max(0, -after))
    x = x[(slice(None),) * axis + (cut,)]
    before, after = max(0, before), max(0, after)
    if not before and not after:
        return x
    if (before + after + x.shape[axis]) * (x.size // max(1, x.shape[axis])) > MAX_ELEMENTS:
        raise UnfollowedError(f"pads to more than {MAX_ELEMENTS:,} elements")
    widths = [(before, after) if i == axis else (0, 0) for i in range(x.ndim)]
    kind: Any = _MODES.get(mode, "constant")
    return np.pad(x, widths, mode=kind)
