"""Tensor statistics in one pass over chunks that stay in cache."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from msgspec import Struct

from modlint.results.statistics import Statistics

CHUNK = 1 << 15
"""Elements per chunk: as float64 256 KiB, which a core's cache holds, and few enough that torch
starts no threads, whose synchronisation would cost more than the work."""

DEVICE_CHUNK = 1 << 24
"""The same on an accelerator, where a chunk's launch costs more than its elements."""


class _Totals(Struct):
    """What has been seen so far; the moments are those of the finite elements."""

    nan: int = 0
    positive_infinite: int = 0
    negative_infinite: int = 0
    first_non_finite: int | None = None
    zeros: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    finite: int = 0
    mean: float = 0.0
    squares: float = 0.0


def measure(values: torch.Tensor) -> Statistics:
    """Measure a tensor of any dtype that torch converts to float64 or complex128.

    Args:
        values: any shape and strides; read-only. Of complex elements the modulus is measured.
    """
    cube = _cube(values)
    height, width, _ = cube.shape
    totals = _Totals()
    rows = torch.zeros(height, dtype=torch.bool, device=values.device)
    columns = torch.zeros(width, dtype=torch.bool, device=values.device)
    for a, b, c in _chunks(cube):
        chunk = _as_float64(cube[a, b, c])
        start = (a.start * width + b.start) * cube.shape[2] + c.start
        _add_zeros(totals, chunk, rows[a], columns[b])
        _add_values(totals, chunk.flatten(), start)
    return _statistics(totals, values, rows, columns)


def _cube(values: torch.Tensor) -> torch.Tensor:
    """The elements as (first axis, second axis, all others), a view where strides allow.

    Without elements the sizes of the other axes may be anything that a file states: they are 0.
    """
    if not values.numel():
        return values.new_empty(0, 0, 0)
    if values.ndim < 2:
        return values.reshape(-1, 1, 1)
    return values.reshape(*values.shape[:2], math.prod(values.shape[2:]))


def _chunks(cube: torch.Tensor) -> Iterator[tuple[slice, slice, slice]]:
    """Slices that cover the elements in row-major order, a chunk's worth each."""
    height, width, depth = cube.shape
    size = DEVICE_CHUNK if cube.is_cuda else CHUNK
    c_step = max(1, min(depth, size))
    b_step = max(1, min(width, size // c_step)) if c_step == depth else 1
    a_step = max(1, size // (b_step * c_step)) if b_step == width and c_step == depth else 1
    for a in range(0, height, a_step):
        for b in range(0, width, b_step):
            for c in range(0, depth, c_step):
                yield slice(a, a + a_step), slice(b, b + b_step), slice(c, c + c_step)


def _as_float64(chunk: torch.Tensor) -> torch.Tensor:
    """The chunk in float64; of complex elements the modulus, NaN where either part is NaN."""
    if not chunk.is_complex():
        return chunk.to(torch.float64)
    wide = chunk.to(torch.complex128)
    return wide.abs().masked_fill_(wide.isnan(), math.nan)


def _add_zeros(
    totals: _Totals, chunk: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> None:
    """Count zeros and mark the rows and columns that hold anything else."""
    non_zero = int(torch.count_nonzero(chunk))
    totals.zeros += chunk.numel() - non_zero
    if non_zero == chunk.numel():
        rows.fill_(True)
        columns.fill_(True)
    elif non_zero:
        cells = (chunk != 0).any(2)
        rows |= cells.any(1)
        columns |= cells.any(0)


def _add_values(totals: _Totals, chunk: torch.Tensor, start: int) -> None:
    """Count what is not finite, and merge range and moments (Chan, Golub & LeVeque 1979)."""
    if not chunk.numel():
        return
    low, high = (bound.item() for bound in torch.aminmax(chunk))
    if not (math.isfinite(low) and math.isfinite(high)):
        chunk = _set_aside_non_finite(totals, chunk, start)
        if not chunk.numel():
            return
        low, high = (bound.item() for bound in torch.aminmax(chunk))
    count, mean = chunk.numel(), chunk.mean().item()
    squares = (chunk - mean).square_().sum().item()
    delta, before = mean - totals.mean, totals.finite
    totals.finite += count
    totals.mean += delta * (count / totals.finite)
    totals.squares += squares + delta * delta * (before / totals.finite) * count
    totals.minimum, totals.maximum = min(totals.minimum, low), max(totals.maximum, high)


def _set_aside_non_finite(totals: _Totals, chunk: torch.Tensor, start: int) -> torch.Tensor:
    """Count what is not finite; return the elements that are."""
    finite = chunk.isfinite()
    totals.nan += int(chunk.isnan().sum())
    totals.positive_infinite += int((chunk == math.inf).sum())
    totals.negative_infinite += int((chunk == -math.inf).sum())
    if totals.first_non_finite is None:
        totals.first_non_finite = start + int((~finite).to(torch.uint8).argmax())
    return chunk[finite]


def _statistics(
    totals: _Totals, values: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> Statistics:
    some, matrix = totals.finite > 0, values.ndim >= 2 and values.numel() > 0
    return Statistics(
        elements=values.numel(),
        nan=totals.nan,
        positive_infinite=totals.positive_infinite,
        negative_infinite=totals.negative_infinite,
        first_non_finite=totals.first_non_finite,
        zeros=totals.zeros,
        minimum=totals.minimum if some else None,
        maximum=totals.maximum if some else None,
        mean=totals.mean if some else None,
        std=math.sqrt(totals.squares / totals.finite) if some else None,
        zero_rows=_indices(~rows) if matrix else (),
        zero_columns=_indices(~columns) if matrix else (),
    )


def _indices(mask: torch.Tensor) -> tuple[int, ...]:
    return tuple(mask.nonzero().flatten().tolist())
