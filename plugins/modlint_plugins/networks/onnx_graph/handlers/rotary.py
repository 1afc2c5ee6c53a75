"""Heads of attention, and the rotary embedding of their channels.

Source: ONNX operator RotaryEmbedding (opset 23); onnxruntime, `docs/ContribOperators.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Array


def split_heads(op: Op, x: Traced, heads: int) -> Traced:
    """(batch, sequence, heads · size) as (batch, heads, sequence, size)."""
    if heads < 1 or x.rank != 3 or x.shape[2] % heads:
        raise Refused(f"has {heads} heads for {list(x.shape)}")
    batch, length, width = x.shape
    wide = moves.reshape(op.tracer, op.name, x, (batch, length, heads, width // heads))
    return moves.transpose(op.tracer, op.name, wide, (0, 2, 1, 3))


def merge_heads(op: Op, x: Traced) -> Traced:
    """The inverse of `split_heads`."""
    batch, heads, length, size = x.shape
    wide = moves.transpose(op.tracer, op.name, x, (0, 2, 1, 3))
    return moves.reshape(op.tracer, op.name, wide, (batch, length, heads * size))


def cut_last(op: Op, x: Traced, widths: Sequence[int]) -> list[Traced]:
    """Parts of the last axis."""
    ends = np.cumsum(widths).tolist()
    axis = x.rank - 1
    return [
        moves.along_axes(
            op.tracer, op.name, [axis], lambda a, n=n, end=end: a[..., end - n : end], x
        )[0]
        for n, end in zip(widths, ends, strict=True)
    ]


def rotated(op: Op, x: Traced, width: int, *, interleaved: bool) -> Traced:
    """Rotary embedding along the last axis: pairs of channels are mixed with one another."""
    width = width or x.shape[-1]
    if width > x.shape[-1] or width % 2:
        raise Refused(f"rotates {width} of {x.shape[-1]} channels")
    first, rest = cut_last(op, x, [width, x.shape[-1] - width])
    (other,) = moves.along_axes(
        op.tracer, op.name, [x.rank - 1], _swapped if interleaved else _turned, first
    )
    mixed = op.tracer.join("sum", first, other)
    return moves.concat(op.tracer, op.name, -1, mixed, rest) if rest.shape[-1] else mixed


def _turned(a: Array) -> Array:
    """The second half before the first."""
    half = a.shape[-1] // 2
    return np.concatenate([a[..., half:], a[..., :half]], -1)


def _swapped(a: Array) -> Array:
    """Neighbours in each other's place."""
    return a.reshape(*a.shape[:-1], -1, 2)[..., ::-1].reshape(a.shape)


def _rotary(op: Op) -> Result:
    """RotaryEmbedding: ONNX's reads X, cos, sin, places; onnxruntime's X, places, cos, sin."""
    x, node = op.traced(0), op.node
    cos = op.at(2 if node.domain else 1)
    interleaved = bool(node.integer("interleaved", 0))
    width = node.integer("rotary_embedding_dim", 0)
    if x.rank == 4:
        return rotated(op, x, width, interleaved=interleaved)
    heads = node.integer("num_heads", 0)
    if not heads and cos is not None and cos.shape and cos.shape[-1]:
        heads = x.shape[-1] // (2 * cos.shape[-1])
    y = rotated(op, split_heads(op, x, heads), width, interleaved=interleaved)
    return merge_heads(op, y)


ROTARY: Handlers = {
    ("", "RotaryEmbedding"): _rotary,
    ("com.microsoft", "RotaryEmbedding"): _rotary,
}
