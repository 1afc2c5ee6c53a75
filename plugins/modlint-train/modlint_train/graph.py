"""The graph that modlint measures, differentiable: the same edges as `WeightArrays`.

`modlint.numerics.graph.weights` sums in float64 by chunks, for files of any size; here edges
keep the parameters' dtype and layout, so that a training step pays for no copy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from modlint.errors import Unavailable
from modlint.network import Call
from modlint.numerics.graph.adjacency import ISOLATED, Adjacency, adjacency, compact, live_vertices
from modlint.numerics.graph.channels import Ints
from modlint.numerics.graph.folding import Columns, Folding
from modlint.results.graphs import Block, Graph
from modlint_train.layout import kernels
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
    folding = Folding(network, inputs)
    blocks = (b for call in network.calls if call.reads for b in _blocks(call, inputs, folding))
    graph = Graph(groups, tuple(blocks))
    matrix = adjacency(graph)
    degree = _degrees(matrix)
    if bool((degree > ISOLATED * degree.mean()).all()):
        return matrix, degree
    if not bool(degree.isfinite().all()):
        raise Unavailable("the weights hold NaN or infinity, or their norms make them so")
    with torch.no_grad():
        live = live_vertices(matrix)
    matrix = adjacency(compact(graph, live))
    return matrix, _degrees(matrix)


@torch.no_grad()
def _degrees(matrix: Adjacency) -> torch.Tensor:
    first = next(iter(matrix.blocks.values()))
    degrees: torch.Tensor = matrix.times(first.new_ones(matrix.vertices, 1))[:, 0]
    return degrees


def _blocks(call: Call, inputs: LiveInputs, folding: Folding) -> Iterator[Block]:
    network, edges = inputs.network, _edges(call, inputs)
    rows, factors = folding.rows(call)
    if network.norms_after[call.name]:
        edges = edges * factors.abs().to(edges).unsqueeze(1)
    target = network.value(call.target).group
    size = network.group(target).size
    for columns in folding.columns(call):
        into = network.group(columns.group).size
        summed = _summed(edges, columns, into)
        yield Block(call.name, call.weight, columns.group, target, _driven(summed, rows, size))


def _edges(call: Call, inputs: LiveInputs) -> torch.Tensor:
    """L1 norms of kernels: (rows, columns)."""
    weight = inputs.weight(call.weight)
    weight = weight.to(torch.promote_types(weight.dtype, torch.float32)).contiguous()
    norms = kernels(call, weight.abs())
    norms = norms[..., 0] if norms.shape[3] == 1 else norms.sum(3)
    edges: torch.Tensor = norms[0]
    if call.groups > 1:
        edges = torch.block_diag(*norms)  # type: ignore[no-untyped-call]
    return edges


def _summed(edges: torch.Tensor, columns: Columns, size: int) -> torch.Tensor:
    """Columns times their factors, added up by neuron: (rows, size)."""
    order = np.lexsort((columns.columns, columns.neurons))
    places, neurons = columns.columns[order], columns.neurons[order]
    factors = columns.factors[order].abs().to(edges)
    if not np.array_equal(places, np.arange(edges.shape[1])):
        edges = edges[:, torch.from_numpy(places).to(edges.device)]
    if bool((factors != 1).any()):
        edges = edges * factors
    if len(neurons) % size == 0 and _are_runs(neurons, size):
        each = len(neurons) // size
        return edges if each == 1 else edges.reshape(len(edges), size, each).sum(2)
    index = torch.from_numpy(neurons).to(edges.device)
    return edges.new_zeros(len(edges), size).index_add(1, index, edges)


def _driven(edges: torch.Tensor, rows: Ints, size: int) -> torch.Tensor:
    """Rows added up by the neuron that they drive: (in, out)."""
    if _are_runs(rows, size) and len(rows) == size:
        return edges.T
    index = torch.from_numpy(rows).to(edges.device)
    return edges.new_zeros(size, edges.shape[1]).index_add(0, index, edges).T


def _are_runs(neurons: Ints, size: int) -> bool:
    """Whether each neuron has as many places as any other, side by side."""
    return np.array_equal(neurons, np.repeat(np.arange(size), max(1, len(neurons) // size)))
