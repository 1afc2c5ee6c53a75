"""The graph that modlint measures, differentiable: the same edges as `WeightGraph`.

`modlint.numerics.graph.weights` sums in float64 by chunks, for files of any size; here edges
keep the parameters' dtype and layout, so that a training step pays for no copy.
"""

from __future__ import annotations

import torch

from modlint.errors import Unavailable
from modlint.network import Layer
from modlint.numerics.graph.adjacency import ISOLATED, Adjacency, adjacency, compact, live_vertices
from modlint.numerics.graph.layout import by_unit, column_factors, row_factors
from modlint.results.graphs import Block, Graph
from modlint_train.layout import by_units
from modlint_train.live import LiveInputs


def live_adjacency(inputs: LiveInputs) -> tuple[Adjacency, torch.Tensor]:
    """The adjacency of a network without isolated vertices, and their degrees, (vertices,).

    Its blocks carry gradients to the weights and to the factors of the norms folded into them;
    float32, or float64 where the weights are.

    Raises:
        Unavailable: an edge is not finite.
    """
    network = inputs.network
    groups = {group.name: group.size for group in network.groups}
    graph = Graph(groups, tuple(_block(layer, inputs) for layer in network.layers))
    matrix = adjacency(graph)
    degree = _degrees(matrix)
    if bool((degree > ISOLATED * degree.mean()).all()):
        return matrix, degree
    if not bool(degree.isfinite().all()):
        raise Unavailable("the weights hold NaN or infinity, or their norms make them so")
    with torch.no_grad():
        live = live_vertices(matrix, matrix.device)
    matrix = adjacency(compact(graph, live))
    return matrix, _degrees(matrix)


@torch.no_grad()
def _degrees(matrix: Adjacency) -> torch.Tensor:
    first = next(iter(matrix.blocks.values()))
    return matrix.times(first.new_ones(matrix.vertices))


def _block(layer: Layer, inputs: LiveInputs) -> Block:
    edges = _edges(layer, inputs).flatten(0, 1)
    if layer.output_norms:
        rows = row_factors(inputs.network, layer, inputs).abs()
        edges = edges * rows.to(edges).unsqueeze(1)
    if layer.groups > 1:
        edges = torch.block_diag(*edges.chunk(layer.groups))  # type: ignore[no-untyped-call]
    return Block(layer.name, layer.weight, layer.source, layer.target, edges.T)


def _edges(layer: Layer, inputs: LiveInputs) -> torch.Tensor:
    """(groups, out/groups, in/groups): L1 norms of kernels, columns folded and summed by unit."""
    network = inputs.network
    weight = inputs.weight(layer.weight)
    weight = weight.to(torch.promote_types(weight.dtype, torch.float32)).contiguous()
    edges = by_units(network, layer, weight.abs())
    if layer.input_norms:
        factors = column_factors(network, layer, inputs).abs().to(edges)
        edges = edges * _by_source(layer, factors)
    return edges[..., 0, 0] if edges.shape[3:].numel() == 1 else edges.sum((3, 4))


def _by_source(layer: Layer, factors: torch.Tensor) -> torch.Tensor:
    """Factors of columns, (columns,), for `by_units`."""
    per_unit = by_unit(layer, factors)  # (sources, columns per source)
    shaped: torch.Tensor = per_unit.reshape(layer.groups, 1, -1, layer.columns_per_unit, 1)
    return shaped
