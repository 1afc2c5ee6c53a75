"""The weighted graph: one non-negative (in, out) matrix per layer (arXiv 2103.03386, section 2)."""

from __future__ import annotations

import torch

from modlint.errors import Unavailable
from modlint.network import Layer, Network
from modlint.numerics.graph.layout import (
    as_kernels,
    blame,
    by_unit,
    column_factors,
    row_factors,
)
from modlint.numerics.graph.on_torch import OnTorch
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.arrays import is_double, magnitudes
from modlint.results.graphs import Block, Graph, KernelNorm

CHUNK = 1 << 20
"""Weights that are widened to float64 at a time."""


def build_graph(network: Network, inputs: Inputs, kernel_norm: KernelNorm) -> Graph:
    """Build the graph of a network; its edges are float64 where some weight is stored so.

    Raises:
        Unavailable: a weight is not finite, or its shape contradicts the network.
    """
    groups = {group.name: group.size for group in network.groups}
    on_torch = OnTorch(inputs)
    double = any(is_double(inputs.weight(layer.weight)) for layer in network.layers)
    dtype = torch.float64 if double else torch.float32
    blocks = (_block(network, layer, on_torch, kernel_norm, dtype) for layer in network.layers)
    return Graph(groups, tuple(blocks))


def _block(
    network: Network, layer: Layer, inputs: OnTorch, kernel_norm: KernelNorm, dtype: torch.dtype
) -> Block:
    """The edges of one layer.

    Raises:
        Unavailable: a weight is not finite, or its shape contradicts the network.
    """
    edges = _edges(network, layer, inputs, kernel_norm, dtype)
    if not edges.isfinite().all():
        raise Unavailable(blame(layer, inputs))
    mask = _mask(network, layer, edges.device) if layer.groups > 1 else None
    turned = layer.transposed or layer.kind == "conv-transpose"
    return Block(layer.name, layer.weight, layer.source, layer.target, edges, mask, turned)


def _edges(
    network: Network, layer: Layer, inputs: OnTorch, kernel_norm: KernelNorm, dtype: torch.dtype
) -> torch.Tensor:
    """Kernel norms with norms folded and columns aggregated in float64, rounded: (in, out)."""
    weight = as_kernels(network, layer, inputs.weight(layer.weight))
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
    sizes: torch.Tensor = magnitudes(kernels)
    return sizes.square().sum(-1).sqrt() if kernel_norm == "l2" else sizes.sum(-1)


def _mask(network: Network, layer: Layer, device: torch.device) -> torch.Tensor:
    """Where a grouped convolution can have edges: (in, out) bool."""
    sizes = (network.group(name).size for name in (layer.source, layer.target))
    source, target = (torch.arange(size, device=device) // (size // layer.groups) for size in sizes)
    return source.unsqueeze(1) == target
