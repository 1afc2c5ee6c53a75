"""Heads of an attention whose weights are nearly parallel."""

from __future__ import annotations

import numpy as np

from modlint.errors import Unavailable
from modlint.network import Network
from modlint.numerics.graph.attentions import Attention, Part, attentions
from modlint.numerics.graph.call_edges import on_host
from modlint.numerics.graph.channels import Floats
from modlint.numerics.graph.folding import part as of_bias
from modlint.numerics.graph.kernels import kernels_of
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.arrays import wide
from modlint.results.heads import AttentionHeads

_PIECE = 1 << 20
_LEAST = 64
"""Weights that a head must have in each part to be compared."""


@np.errstate(all="ignore")
def duplicate_heads(network: Network, inputs: Inputs, cosine: float) -> tuple[AttentionHeads, ...]:
    """The heads of each attention.

    Raises:
        Unavailable: a weight is not finite, or is not what the network says.
    """
    found = []
    for attention in attentions(network):
        products = [_products(part, inputs) for part in attention.parts]
        if all(size >= _LEAST for _, size in products):
            found.append(_compared(attention, [gram for gram, _ in products], cosine))
    return tuple(found)


def _compared(attention: Attention, grams: list[Floats], cosine: float) -> AttentionHeads:
    alike = np.full((attention.heads, attention.heads), True)
    present = np.full(attention.heads, True)
    for gram in grams:
        lengths = np.sqrt(np.diag(gram))
        present &= lengths > 0
        alike &= gram > cosine * np.outer(lengths, lengths)
    groups, taken = list[tuple[int, ...]](), ~present
    for head in range(attention.heads):
        same = alike[head] & ~taken
        if not taken[head] and same.sum() > 1:
            groups.append(tuple(np.flatnonzero(same).tolist()))
            taken |= same
    layer = attention.parts[0].call.name
    return AttentionHeads(layer, attention.heads, int(present.sum()), tuple(groups))


def _products(part: Part, inputs: Inputs) -> tuple[Floats, int]:
    """Scalar products of heads with one another, (heads, heads), and how many weights each has."""
    (kernels,) = kernels_of(part.call, inputs.weight(part.call.weight))
    matrix = kernels.reshape(*kernels.shape[:2], -1)[:, :, 0]
    matrix = matrix.swapaxes(0, 1) if part.by_column else matrix
    heads, size = part.places.shape
    gram = np.zeros((heads, heads))
    step = max(1, _PIECE // max(1, heads * matrix.shape[1]))
    for start in range(0, size, step):
        rows = part.places[:, start : start + step]
        some = on_host(wide(matrix[rows.reshape(-1)])).reshape(heads, -1)
        gram += some @ some.T
    if part.call.bias is not None and not part.by_column:
        bias = on_host(of_bias(part.call.bias, inputs, 0.0))
        if len(bias) != part.call.rows:
            raise Unavailable(f"layer {part.call.name!r}: a bias of {len(bias)} elements")
        gram += bias[part.places] @ bias[part.places].T
    if not np.isfinite(gram).all():
        raise Unavailable(f"layer {part.call.name!r}: its weights are not all finite")
    return gram, size * int(matrix.shape[1])
