"""The weighted graph: one non-negative (in, out) matrix per layer (arXiv 2103.03386, section 2)."""

from __future__ import annotations

import torch

from modlint.errors import Unavailable
from modlint.network import Layer, Network
from modlint.numerics.graph.layout import (
    by_unit,
    column_factors,
    magnitudes,
    row_factors,
    stored_weight,
)
from modlint.numerics.inputs import Inputs
from modlint.results.graphs import Block, Graph, KernelNorm

CHUNK = 1 << 20
"""Weights that are widened to float64 at a time."""


def build_graph(network: Network, inputs: Inputs, kernel_norm: KernelNorm) -> Graph:
    """Build the graph of a network.

    Raises:
        Unavailable: a weight is not finite, or its shape contradicts the network.
    """
    groups = {group.name: group.size for group in network.groups}
    dtype = edge_dtype(network, inputs)
    blocks = (layer_block(network, layer, inputs, kernel_norm, dtype) for layer in network.layers)
    return Graph(groups, tuple(blocks))


def edge_dtype(network: Network, inputs: Inputs) -> torch.dtype:
    """The type of a network's edges: float64 where some weight is stored so, else float32."""
    stored = {inputs.weight(layer.weight).dtype for layer in network.layers}
    return torch.float64 if stored & {torch.float64, torch.complex128} else torch.float32


def layer_block(
    network: Network, layer: Layer, inputs: Inputs, kernel_norm: KernelNorm, dtype: torch.dtype
) -> Block:
    """The edges of one layer.

    Raises:
        Unavailable: a weight is not finite, or its shape contradicts the network.
    """
    edges = _edges(network, layer, inputs, kernel_norm, dtype)
    if not edges.isfinite().all():
        raise Unavailable(_blame(layer, inputs))
    mask = _mask(network, layer, edges.device) if layer.groups > 1 else None
    turned = layer.transposed or layer.kind == "conv-transpose"
    return Block(layer.name, layer.weight, layer.source, layer.target, edges, mask, turned)


def _edges(
    network: Network, layer: Layer, inputs: Inputs, kernel_norm: KernelNorm, dtype: torch.dtype
) -> torch.Tensor:
    """Kernel norms with norms folded and columns aggregated in float64, rounded: (in, out)."""
    weight = stored_weight(network, layer, inputs)
    out, fan_in, positions = weight.shape
    columns = column_factors(network, layer, inputs).abs().view(layer.groups, fan_in)
    scale = row_factors(network, layer, inputs).abs()
    size = network.group(layer.source).size
    edges = torch.zeros(size, out, dtype=dtype, device=weight.device)
    rows_per_group = out // layer.groups
    step = max(1, CHUNK // max(1, fan_in * positions))
    for group in range(layer.groups):
        first, last = group * rows_per_group, (group + 1) * rows_per_group
        # (fan_in / columns per unit) source units of this group
        units = slice(group * (size // layer.groups), (group + 1) * (size // layer.groups))
        for row in range(first, last, step):
            rows = slice(row, min(row + step, last))
            norms = _kernel_norms(weight[rows], kernel_norm) * columns[group]
            edges[units, rows] = (by_unit(layer, norms).sum(-1).T * scale[rows]).to(dtype)
    return edges


def _kernel_norms(kernels: torch.Tensor, kernel_norm: KernelNorm) -> torch.Tensor:
    """Entrywise norm over the last axis, in float64."""
    if kernel_norm == "l2":
        return magnitudes(kernels).square_().sum(-1).sqrt_()
    return magnitudes(kernels).sum(-1)


def _mask(network: Network, layer: Layer, device: torch.device) -> torch.Tensor:
    """Where a grouped convolution can have edges: (in, out) bool."""
    sizes = (network.group(name).size for name in (layer.source, layer.target))
    source, target = (torch.arange(size, device=device) // (size // layer.groups) for size in sizes)
    return source.unsqueeze(1) == target


def _blame(layer: Layer, inputs: Inputs) -> str:
    for name in layer.tensors:
        if name != layer.bias and not magnitudes(inputs.weight(name)).isfinite().all():
            return f"layer {layer.name!r}: tensor {name!r} holds NaN or infinity"
    return f"layer {layer.name!r}: its weights are not finite once its norms are folded"
