"""Each match measured: both sides brought into one shape, and how far they differ."""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec import Struct

from modlint.analysis.base import Array
from modlint.analysis.comparing import cast, drift_of, scaling_of
from modlint.analysis.matching import reordered
from modlint.difference import ChangeKind
from modlint.engine.diff.match import Match, Rows
from modlint.engine.diff.parts import matrix
from modlint.errors import Unavailable, UnreadableError
from modlint.results.drift import Drift

ROUNDING = 1e-6
"""Relative drift that computing in another order leaves in float32."""
_HALF = 13
"""Low bits of float32 that float16 has not: empty where values were cast to it and back."""
_HALF_ROUNDED = 2.0**-8
_RESCALED = 1e-4
"""Relative error that is left beside the factors of rows or columns, float16's rounding too."""


class Measured(Struct):
    """A match with what was measured.

    Attributes:
        match: the two tensors.
        kind: what became of the values.
        drift: how far they differ; None where they were not compared.
        note: what is to be said beside.
    """

    match: Match
    kind: ChangeKind
    drift: Drift | None = None
    note: str | None = None

    @property
    def relative(self) -> float:
        """‖new − old‖ / ‖old‖; infinite where nothing is known."""
        return math.inf if self.drift is None else self.drift.relative

    @property
    def lossless(self) -> bool:
        """Whether all that was in the old tensor is in the new one."""
        kept = self.kind in ("identical", "cast", "rounded", "rescaled", "reordered")
        return kept or (self.kind == "drifted" and self.relative <= ROUNDING)


def measure(match: Match) -> Measured:
    """Compare the two tensors of a match."""
    if match.rows is not None and match.rows.scattered:
        return Measured(match, "reordered", note="the same values in another order")
    try:
        old, new = lined_up(match)
        drift = drift_of(old, new, cast(match.old.dtype, match.new.dtype))
    except (Unavailable, UnreadableError) as error:
        return Measured(match, "not-compared", note=str(error))
    return Measured(match, _kind(match, drift), drift)


def _kind(match: Match, drift: Drift) -> ChangeKind:
    old, new = match.old, match.new
    if match.resized:
        return "resized"
    if old.quantised != new.quantised:
        return "quantised"
    if drift.identical:
        return "identical" if old.dtype == new.dtype else "cast"
    if drift.not_finite:
        return "drifted"
    if old.dtype != new.dtype and cast(old.dtype, new.dtype) and not drift.beyond:
        return "cast"
    if drift.trailing >= _HALF and drift.relative <= _HALF_ROUNDED and new.dtype == "float32":
        return "rounded"
    return "pruned" if drift.zeroed == drift.changed else "drifted"


def explained(measured: Measured) -> Measured:
    """A drift that factors of rows or columns, or another order of rows, explain."""
    drift, match = measured.drift, measured.match
    if drift is None or drift.zeroed or drift.not_finite or min(match.old.elements, 2) < 2:
        return measured
    try:
        old, new = lined_up(match)
        if old.ndim < 2:
            return measured
        left = scaling_of(old, new)
        if min(left.rows, left.columns) <= _RESCALED:
            what = "row" if left.rows <= left.columns else "column"
            return Measured(match, "rescaled", drift, f"each {what} times a factor of its own")
        if reordered(matrix(old, across=False), matrix(new, across=False)):
            return Measured(match, "reordered", drift, "the same rows in another order")
    except (Unavailable, UnreadableError):
        pass
    return measured


def scaled_error(measured: Measured) -> float:
    """The relative error that is left when columns, or rows, may have factors of their own."""
    try:
        old, new = lined_up(measured.match)
        left = scaling_of(old, new)
    except (Unavailable, UnreadableError):
        return math.inf
    return min(left.rows, left.columns)


def lined_up(match: Match) -> tuple[Array, Array]:
    """Both tensors' values in one shape, as views.

    Raises:
        Unavailable: they cannot be computed.
        UnreadableError: they cannot be read.
    """
    old, new = match.old.array(), match.new.array()
    if match.rows is not None:
        return _stretch(match.rows, old, new)
    if match.resized:
        common = tuple(slice(min(a, b)) for a, b in zip(old.shape, new.shape, strict=True))
        return old[common], new[common]
    if match.axes is None:
        return old.reshape(-1), new.reshape(-1)
    old = old.transpose(match.axes)
    return old, new if new.shape == old.shape else new.reshape(old.shape)


def _stretch(rows: Rows, old: Array, new: Array) -> tuple[Array, Array]:
    whole, part = (new, old) if rows.whole_is_new else (old, new)
    if rows.slice is not None:
        whole = whole[rows.slice]
    flat = sum(size != 1 for size in whole.shape) <= 1
    if flat:
        whole, part = whole.reshape(-1), part.reshape(-1)
    else:
        whole = matrix(whole, across=rows.whole_across)
        part = matrix(part, across=rows.part_across)
    stretch = whole[rows.start : rows.stop]
    return (part, stretch) if rows.whole_is_new else (stretch, part)


Measuring = Callable[[Match], Measured]
