"""What each scheme's values are, as functions from a range of rows to float32.

Each prepares what is small, the scales and zero points, once; codes are read as rows are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.quantisation.packing import E2M1, floats, scales, signed, unpack
from modlint.results.quantisation import Layout

Parts = Mapping[str, NDArray[Any]]
Values = NDArray[np.float32]
Rows = Callable[[int, int], Values]

_AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
"""Which of eight columns each four bits of an AWQ word hold, low bits first."""


def rows_of(parts: Parts, layout: Layout) -> Rows:
    """The function that gives rows `start` to `stop` of a weight, as (rows, columns).

    Args:
        parts: elements as they are stored, by what they are.
        layout: how they become values.
    """
    return _FORMULAS[layout.formula](parts, layout)


def scaled(parts: Parts, layout: Layout) -> Rows:
    """A code an element: (q − z)·s, of rows and columns in blocks."""
    codes = parts["codes"].reshape(layout.rows, layout.columns)
    return _affine(parts, layout, lambda start, stop: floats(codes[start:stop]))


def packed(parts: Parts, layout: Layout) -> Rows:
    """Codes in bytes or words along the last axis: (q − z)·s, or q·s + b."""
    codes = parts["codes"]
    rows = codes.reshape(layout.rows, -1)
    if layout.axis == 0 and layout.group == 2:
        return _affine(parts, layout, _pairs_of_rows(codes, layout))
    return _affine(
        parts, layout, lambda a, b: _decoded(unpack(rows[a:b], layout.bits, layout.columns), layout)
    )


def gptq(parts: Parts, layout: Layout) -> Rows:
    """Codes of the transposed weight packed along its rows: (q − z)·s of the input's group."""
    codes, (_, inputs) = parts["codes"], layout.shape
    table = floats(parts["scale"])
    zeros = _gptq_zeros(parts, layout, table.shape)
    groups = parts.get("group_index")
    size = layout.group or inputs
    of = np.arange(inputs) // size if groups is None else groups.astype(np.int64)

    def rows(start: int, stop: int) -> Values:
        q = floats(unpack(codes[:, start:stop].T, layout.bits, inputs))
        return (q - zeros[:, start:stop].T[:, of]) * table[:, start:stop].T[:, of]

    return rows


def awq(parts: Parts, layout: Layout) -> Rows:
    """Eight interleaved columns a word: (q − z)·s."""
    table, size = floats(parts["scale"]), layout.group or layout.shape[1]
    of = np.arange(layout.shape[1]) // size
    codes, zeros = parts["codes"], parts.get("zero_point")

    def rows(start: int, stop: int) -> Values:
        words = slice(start // 8, -(-stop // 8))
        own = slice(start - words.start * 8, stop - words.start * 8)
        q = floats(_awq_columns(codes[:, words])[:, own]).T
        if zeros is None:
            return (q - 8) * table[:, start:stop].T[:, of]
        z = floats(_awq_columns(zeros[:, words])[:, own]).T
        return (q - z[:, of]) * table[:, start:stop].T[:, of]

    return rows


def bitsandbytes(parts: Parts, layout: Layout) -> Rows:
    """Entries of a table of 16, scaled by the largest element of each run of `group`."""
    octets = parts["codes"].reshape(-1).view(np.uint8)
    table, largest = floats(parts["map"]).reshape(-1), floats(parts["scale"]).reshape(-1)
    if "nested_scale" in parts:
        nested = floats(parts["nested_scale"]).reshape(-1)
        chosen = floats(parts["nested_map"]).reshape(-1)[parts["scale"].reshape(-1)]
        runs = np.arange(len(chosen)) // int(parts["nested_block"])
        largest = chosen * nested[runs] + np.float32(parts["nested_offset"])
    columns = layout.columns

    def rows(start: int, stop: int) -> Values:
        first, last = start * columns, stop * columns
        codes = unpack(
            octets[first // 2 : -(-last // 2)], 4, last - first // 2 * 2, high_first=True
        )
        values = table[codes[first % 2 :]] * largest[np.arange(first, last) // layout.group]
        return values.reshape(stop - start, columns).astype(np.float32)

    return rows


def quanto(parts: Parts, layout: Layout) -> Rows:
    """Rows of groups, packed by parts of the whole: q·s − shift, or (q − z)·s of integers."""
    stored, shift = parts["codes"], parts["zero_point"]
    scale, mask = floats(parts["scale"]), (1 << layout.bits) - 1
    integers = shift.dtype.kind in "iu"
    shift = floats(shift)

    def rows(start: int, stop: int) -> Values:
        place, row = np.divmod(np.arange(start, stop), len(stored))
        q = floats((stored[row] >> (place * layout.bits).astype(np.uint8)[:, None]) & mask)
        s, z = (part[start:stop] if len(part) > 1 else part for part in (scale, shift))
        return (q - z) * s if integers else q * s - z

    return rows


def hqq(parts: Parts, layout: Layout) -> Rows:
    """Codes in groups, packed by parts of the whole: (q − z)·s, reshaped."""
    stored = parts["codes"]
    width = {"int32": 10}.get(stored.dtype.name, 8 // layout.bits)
    mask = (1 << layout.bits) - 1
    shifts = [layout.bits * (width - 1 - i) for i in range(width)]
    scale, zero = floats(parts["scale"]), floats(parts["zero_point"])
    elements = layout.rows * layout.columns
    height = elements // stored.shape[1]

    def grouped(start: int, stop: int) -> Values:
        place, row = np.divmod(np.arange(start, stop), len(stored))
        shift = np.array(shifts)[place].astype(stored.dtype)
        q = floats((stored[row] >> shift[:, None]) & mask)
        own = slice(start, stop) if len(scale) != 1 else slice(None)
        return (q - zero[own]) * scale[own]

    def rows(start: int, stop: int) -> Values:
        first, last = start * layout.columns, stop * layout.columns
        wide = stored.shape[1]
        a, b = first // wide, min(-(-last // wide), height)
        values = grouped(a, b).reshape(-1)[first - a * wide : last - a * wide]
        return values.reshape(stop - start, layout.columns)

    return rows


def onnx(parts: Parts, layout: Layout) -> Rows:
    """DequantizeLinear: (q − z)·s along an axis or in blocks of one."""
    codes, scale = parts["codes"], floats(parts["scale"])
    zero = floats(parts["zero_point"]) if "zero_point" in parts else np.float32(0)
    axis, shape = layout.axis, layout.shape
    along = [1] * len(shape)
    if scale.ndim == 1 and scale.size > 1:
        along[axis] = scale.size
        scale, zero = scale.reshape(along), np.reshape(zero, along) if np.size(zero) > 1 else zero
    elif scale.ndim == len(shape) and layout.group:
        spread = np.repeat(scale, layout.group, axis)
        scale = spread[tuple(slice(0, size) for size in shape)]
        if np.ndim(zero):
            spread = np.repeat(zero, layout.group, axis)
            zero = spread[tuple(slice(0, size) for size in shape)]
    scale = np.broadcast_to(scale.reshape(()) if scale.size == 1 else scale, shape)
    zero = np.broadcast_to(np.reshape(zero, ()) if np.size(zero) == 1 else zero, shape)
    height = (layout.rows, layout.columns)

    def rows(start: int, stop: int) -> Values:
        if len(shape) == 2:
            q, z, s = codes[start:stop], zero[start:stop], scale[start:stop]
            return (floats(q) - z) * s
        whole = np.s_[start:stop]
        q, z, s = (part.reshape(height)[whole] for part in (codes, zero, scale))
        return (floats(q) - z) * s

    return rows


_FORMULAS: dict[str, Callable[[Parts, Layout], Rows]] = {
    "scaled": scaled,
    "packed": packed,
    "gptq": gptq,
    "awq": awq,
    "bitsandbytes": bitsandbytes,
    "quanto": quanto,
    "hqq": hqq,
    "onnx": onnx,
}


def _affine(parts: Parts, layout: Layout, codes: Rows) -> Rows:
    """(q − z)·s·g + b, with scales, zero points and biases in blocks of rows and columns."""
    scale = scales(parts["scale"]) / np.float32(layout.denominator)
    if "global_scale" in parts:
        factor = floats(parts["global_scale"]).reshape(-1, 1)
        scale = scale.reshape(len(factor), -1)
        scale = scale / factor if layout.divides else scale * factor
    zero = _zeros(parts, layout)
    spread = _spread(scale, layout)
    zeros = None if zero is None else _spread(zero, layout)
    biases = _spread(floats(parts["bias"]), layout) if "bias" in parts else None

    def rows(start: int, stop: int) -> Values:
        values = codes(start, stop)
        if zeros is not None:
            values = values - zeros(start, stop)
        values = values * spread(start, stop)
        return values if biases is None else values + biases(start, stop)

    return rows


def _spread(table: NDArray[Any], layout: Layout) -> Rows:
    """What rows a table gives whose entries stand for blocks."""
    down, across = layout.block
    tall = max(1, -(-layout.rows // down))
    flat = np.broadcast_to(
        table.reshape(tall, -1) if table.size > 1 else table.reshape(1, 1),
        (
            tall,
            max(1, table.size // tall),
        ),
    )

    def rows(start: int, stop: int) -> Values:
        own: Values = flat[np.arange(start, stop) // down]
        if own.shape[1] in (1, layout.columns):
            return own
        return np.repeat(own, across, 1)[:, : layout.columns]

    return rows


def _zeros(parts: Parts, layout: Layout) -> Values | None:
    """Zero points in the shape of the scales; None where the codes are numbers already."""
    zero = parts.get("zero_point")
    if zero is None:
        return np.full((1, 1), layout.offset, np.float32) if layout.offset else None
    if zero.dtype == np.int32 and layout.formula == "packed" and parts["codes"].dtype == np.int32:
        loose = unpack(zero.reshape(zero.shape[0], -1).T, layout.bits, layout.rows)
        return floats(loose.T)
    if zero.dtype == np.uint8 and layout.formula == "packed" and layout.axis == 1:
        groups = parts["scale"].size // layout.rows
        return floats(unpack(zero.reshape(layout.rows, -1), layout.bits, groups))
    return floats(zero)


def _decoded(codes: NDArray[np.uint8], layout: Layout) -> Values:
    if layout.decoding == "e2m1":
        return E2M1[codes]
    return floats(signed(codes, layout.bits)) if layout.decoding == "signed" else floats(codes)


def _pairs_of_rows(codes: NDArray[Any], layout: Layout) -> Rows:
    """Two rows a byte: the even one in the low half."""
    stored = codes.reshape(-1, layout.columns)

    def rows(start: int, stop: int) -> Values:
        index = np.arange(start, stop)
        shift = ((index % 2) * 4).astype(np.uint8)[:, None]
        return _decoded(((stored[index // 2] >> shift) & 15).astype(np.uint8), layout)

    return rows


def _gptq_zeros(parts: Parts, layout: Layout, shape: tuple[int, ...]) -> Values:
    zero = parts.get("zero_point")
    if zero is None:
        return np.full(shape, 1 << (layout.bits - 1), np.float32)
    return floats(unpack(zero, layout.bits, shape[1])) + np.float32(layout.offset)


def _awq_columns(words: NDArray[Any]) -> NDArray[np.uint8]:
    codes = unpack(words, 4, words.shape[1] * 8).reshape(len(words), -1, 8)
    ordered = np.empty_like(codes)
    ordered[..., _AWQ_ORDER] = codes
    return ordered.reshape(len(words), -1)
