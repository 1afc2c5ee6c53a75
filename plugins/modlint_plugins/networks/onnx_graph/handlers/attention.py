"""Attention as one operator: queries meet keys head by head, values pass on.

Source: ONNX operators Attention and RotaryEmbedding (opset 23); onnxruntime,
`docs/ContribOperators.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.nodes import NormTensors
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.handlers.rotary import (
    ROTARY,
    cut_last,
    merge_heads,
    rotated,
    split_heads,
)
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.networks.onnx_graph.weights import product

MICROSOFT = "com.microsoft"


def attended(op: Op, query: Traced, key: Traced, value: Traced) -> Traced:
    """softmax(Q Kᵀ) V of (batch, heads, sequence, size); a head of keys may serve several."""
    key, value = (_repeated(op, x, query.shape[1]) for x in (key, value))
    batch, heads, length, _ = query.shape
    scores = op.tracer.contracted(
        op.name,
        ("bhqd", "bhkd", "bhqk"),
        query,
        key,
        (batch, heads, length, key.shape[2]),
    )
    weights = op.forgotten(scores.shape, scores)
    shape = (batch, heads, length, value.shape[3])
    return op.tracer.contracted(op.name, ("bhqk", "bhkd", "bhqd"), weights, value, shape)


def _repeated(op: Op, x: Traced, heads: int) -> Traced:
    if x.shape[1] == heads:
        return x
    if not x.shape[1] or heads % x.shape[1]:
        raise Refused(f"has {heads} heads of queries and {x.shape[1]} of keys")
    times = heads // x.shape[1]
    (y,) = moves.along_axes(op.tracer, op.name, [1], lambda a: a.repeat(times, 1), x)
    return y


def _standard(op: Op) -> Result:
    """Attention: Q, K, V of three axes with numbers of heads, or of four."""
    node = op.node
    counts = [node.integer(name, 0) for name in ("q_num_heads", "kv_num_heads", "kv_num_heads")]
    parts = [op.as_traced(op.value(index)) for index in range(3)]
    flat = parts[0].rank == 3
    if flat:
        parts = [split_heads(op, x, n) for x, n in zip(parts, counts, strict=True)]
    y = attended(op, *parts)
    return [merge_heads(op, y) if flat else y, *parts[1:]]


def _multi_head(op: Op) -> Result:
    """MultiHeadAttention: query, key, value, bias; key and value may be packed or cached."""
    heads = op.node.integer("num_heads", 0)
    query, key, value = op.traced(0), op.at(1), op.at(2)
    if query.rank == 5:
        parts = [_packed(op, query, i) for i in range(3)]
    elif key is not None and key.rank == 5:
        own = op.as_traced(key)
        parts = [split_heads(op, query, heads), *(_packed(op, own, i) for i in range(2))]
    elif key is None or value is None:
        raise Refused("lacks its keys")
    else:
        parts = _with_bias(op, [query, op.as_traced(key), op.as_traced(value)])
        parts = [x if x.rank == 4 else split_heads(op, x, heads) for x in parts]
    return [merge_heads(op, attended(op, *parts)), *parts[1:]]


def _packed(op: Op, x: Traced, place: int) -> Traced:
    """(batch, sequence, heads, 2 or 3, size): one of them by heads."""
    (cut,) = moves.along_axes(op.tracer, op.name, [3], lambda a: a[:, :, :, place : place + 1], x)
    batch, length, heads, _, size = cut.shape
    flat = moves.reshape(op.tracer, op.name, cut, (batch, length, heads, size))
    return moves.transpose(op.tracer, op.name, flat, (0, 2, 1, 3))


def _with_bias(op: Op, parts: list[Traced]) -> list[Traced]:
    """Queries, keys and values shifted by their parts of one bias."""
    bias = op.at(3)
    name = bias.name if isinstance(bias, Static) else None
    if name is None or any(x.rank != 3 for x in parts):
        return parts
    starts = np.cumsum([0, *(x.shape[2] for x in parts)]).tolist()
    tensors = NormTensors(kind="affine", shift=name)
    return [
        x if x.is_unlabelled else op.tracer.norm(tensors, x, -1, start)
        for x, start in zip(parts, starts, strict=False)
    ]


def _grouped(op: Op) -> Result:
    """GroupQueryAttention: query, key, value (or all packed in query); rotated where asked."""
    node = op.node
    heads, groups = node.integer("num_heads", 0), node.integer("kv_num_heads", 0)
    query, key, value = op.traced(0), op.at(1), op.at(2)
    if heads < 1 or groups < 1:
        raise Refused("has no heads")
    if key is None or value is None:
        size = query.shape[-1] // (heads + 2 * groups)
        parts = cut_last(op, query, [heads * size, groups * size, groups * size])
    else:
        parts = [query, op.as_traced(key), op.as_traced(value)]
    parts = [split_heads(op, x, n) for x, n in zip(parts, (heads, groups, groups), strict=True)]
    if node.integer("do_rotary", 0):
        cos, interleaved = op.at(7), bool(node.integer("rotary_interleaved", 0))
        width = 2 * cos.shape[-1] if cos is not None else parts[0].shape[-1]
        parts[:2] = [rotated(op, x, width, interleaved=interleaved) for x in parts[:2]]
    return [merge_heads(op, attended(op, *parts)), *parts[1:]]


def _projecting(op: Op) -> Result:
    """Attention of onnxruntime: one weight for queries, keys and values."""
    return _projected(op, op.node.integers("qkv_hidden_sizes"))


def _projected(op: Op, widths: Sequence[int] | None) -> Result:
    x, weight, bias = op.traced(0), op.value(1), op.at(2)
    heads = op.node.integer("num_heads", 0)
    if not isinstance(weight, Static) or weight.rank != 2:
        raise Refused("has weights that are no constant")
    name = bias.name if isinstance(bias, Static) else None
    y = product(op, ("bsk", "kn", "bsn"), x, weight, name)
    op.walk.scope.fresh.pop(op.node.output, None)
    third = weight.shape[1] // 3
    parts = cut_last(op, y, widths or [third] * 3)
    parts = [split_heads(op, part, heads) for part in parts]
    if op.node.integer("do_rotary", 0):
        width = op.node.integer("rotary_embedding_dim", 0) or parts[0].shape[-1]
        parts[:2] = [rotated(op, part, width, interleaved=False) for part in parts[:2]]
    return [merge_heads(op, attended(op, *parts))]


HANDLERS: Handlers = {
    **ROTARY,
    **standard(Attention=_standard),
    (MICROSOFT, "Attention"): _projecting,
    (MICROSOFT, "QAttention"): _projecting,
    (MICROSOFT, "MultiHeadAttention"): _multi_head,
    (MICROSOFT, "DecoderMaskedMultiHeadAttention"): _multi_head,
    (MICROSOFT, "GroupQueryAttention"): _grouped,
    (MICROSOFT, "SparseAttention"): _grouped,
}
