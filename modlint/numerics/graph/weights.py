"""The weighted graph: a non-negative (in, out) matrix for each call and group that it reads.

Vertices and edges are those of arXiv 2103.03386, section 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch

from modlint.errors import Unavailable
from modlint.network import Call, Network
from modlint.numerics.graph.channels import Ints
from modlint.numerics.graph.folding import Columns, Folding, blame
from modlint.numerics.graph.kernels import is_turned, kernels_of, slices
from modlint.numerics.graph.on_torch import OnTorch
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.arrays import is_double, magnitudes
from modlint.results.graphs import Block, Graph, KernelNorm

CHUNK = 1 << 20
"""Weights that are widened to float64 at a time."""


def build_graph(network: Network, inputs: Inputs, kernel_norm: KernelNorm) -> Graph:
    """Build the graph of a network.

    Raises:
        Unavailable: a weight is not finite, or is not what the network says.
    """
    on_torch = OnTorch(inputs)
    dtype = precision(network, inputs)
    builder = BlockBuilder(network, on_torch, Folding(network, on_torch), kernel_norm, dtype)
    blocks = (block for call in joining(network) for block in builder.blocks(call))
    return Graph({group.name: group.size for group in network.groups}, tuple(blocks))


def joining(network: Network) -> list[Call]:
    """The calls that join neurons to neurons: an embedding's entries are none."""
    return [call for call in network.calls if call.reads]


def precision(network: Network, inputs: Inputs) -> torch.dtype:
    """Of a network's edges: float64 where some weight is stored so, else float32."""
    double = any(is_double(inputs.weight(call.weight)) for call in joining(network))
    return torch.float64 if double else torch.float32


class Factors(Protocol):
    """What weights are multiplied by, and the neurons that they join."""

    def rows(self, call: Call) -> tuple[Ints, torch.Tensor]:
        """The neuron that each row of a call drives, −1 for none, and the row's factor."""
        ...

    def columns(self, call: Call) -> tuple[Columns, ...]:
        """What a call's columns read, by group."""
        ...


class BlockBuilder:
    """Makes blocks of calls, each weight times its row's and its column's factor."""

    def __init__(
        self,
        network: Network,
        inputs: OnTorch,
        factors: Factors,
        kernel_norm: KernelNorm,
        dtype: torch.dtype,
    ) -> None:
        self.network = network
        self.inputs = inputs
        self.factors = factors
        self.kernel_norm = kernel_norm
        self.dtype = dtype

    def blocks(self, call: Call) -> Iterator[Block]:
        """The edges of one call, a block for each group that it reads."""
        rows, factors = self.factors.rows(call)
        target = self.network.value(call.target).group
        kernels = kernels_of(call, self.inputs.weight(call.weight))
        for columns in self.factors.columns(call):
            places = _Places(
                call,
                columns,
                rows,
                (self.network.group(columns.group).size, self.network.group(target).size),
            )
            edges = self._edges(kernels, places, factors)
            if not edges.isfinite().all():
                raise Unavailable(blame(call, self.network, self.inputs))
            yield Block(
                call.name,
                call.weight,
                columns.group,
                target,
                edges,
                places.mask(edges.device),
                is_turned(call),
                places.part(),
            )

    def _edges(self, kernels: torch.Tensor, places: _Places, factors: torch.Tensor) -> torch.Tensor:
        """Kernel norms with norms folded, columns and rows of one neuron added up: (in, out)."""
        groups, height, fan_in, positions = kernels.shape
        dtype = self.dtype if places.rows_apart else torch.float64
        edges = torch.zeros(places.sizes, dtype=dtype, device=kernels.device)
        scale = factors.abs()
        step = max(1, CHUNK // max(1, fan_in * positions))
        for group in range(groups):
            own = places.columns_of(group, fan_in)
            if own is None:
                continue
            for some in slices(height, step):
                rows = slice(group * height + some.start, group * height + some.stop)
                norms = _kernel_norms(kernels[group, some], self.kernel_norm)
                places.add(edges, own.summed(norms) * scale[rows], own.neurons, rows)
        return edges.to(self.dtype)


class _Places:
    """Where in a block the rows and columns of a call belong."""

    def __init__(self, call: Call, columns: Columns, rows: Ints, sizes: tuple[int, int]) -> None:
        self.call = call
        self.columns = columns
        self.rows = rows
        self.sizes = sizes
        driving = rows[rows >= 0]
        self.rows_apart = len(np.unique(driving)) == len(rows)
        by_column = np.argsort(columns.columns, kind="stable")
        self._by_column = by_column, columns.columns[by_column]

    def columns_of(self, group: int, fan_in: int) -> _Sum | None:
        """Those of one group of a grouped convolution, None where none is read."""
        order, columns = self._by_column
        first, last = np.searchsorted(columns, [group * fan_in, (group + 1) * fan_in])
        mine = order[first:last]
        if not len(mine):
            return None
        return _Sum(
            self.columns.neurons[mine],
            self.columns.columns[mine] - group * fan_in,
            self.columns.factors[mine].abs(),
            fan_in,
        )

    def add(self, edges: torch.Tensor, sums: torch.Tensor, neurons: Ints, rows: slice) -> None:
        """Add edges, (neurons, rows), to a block."""
        targets = self.rows[rows]
        driving = targets >= 0
        if not driving.all():
            sums, targets = sums[:, torch.from_numpy(driving)], targets[driving]
        if not self.rows_apart:
            at = _index(neurons, edges).unsqueeze(1), _index(targets, edges)
            edges.index_put_(at, sums, accumulate=True)
        elif _is_run(neurons) and _is_run(targets):
            edges[neurons[0] : neurons[-1] + 1, targets[0] : targets[-1] + 1] = sums
        else:
            edges[_index(neurons, edges).unsqueeze(1), _index(targets, edges)] = sums.to(edges)

    def mask(self, device: torch.device) -> torch.Tensor | None:
        """Where an edge can exist: (in, out) bool, None for everywhere."""
        source, target = self.sizes
        groups = self.call.groups
        whole = len(np.unique(self.columns.neurons)) == source
        if groups == 1 and whole and len(np.unique(self.rows[self.rows >= 0])) == target:
            return None
        mask = torch.zeros(source, target, dtype=torch.bool, device=device)
        fan_in, height = self.call.columns // groups, self.call.rows // groups
        for group in range(groups):
            rows = self.rows[group * height : (group + 1) * height]
            own = self.columns_of(group, fan_in)
            if own is not None:
                ends = torch.from_numpy(own.neurons).unsqueeze(1), torch.from_numpy(rows[rows >= 0])
                mask[ends[0].to(device), ends[1].to(device)] = True
        return mask

    def part(self) -> str:
        """Which elements of the tensor it is made of, whichever way they are read."""
        layout = self.call.layout
        assert layout is not None  # noqa: S101 (its kernels were read)
        rows, columns = np.flatnonzero(self.rows >= 0), np.unique(self.columns.columns)
        axes = sorted(
            (abs(step), places.tobytes())
            for step, places in zip(layout.strides[1:3], (rows, columns), strict=True)
        )
        groups = layout.shape[0]
        told = layout.offset, groups, layout.strides[0] if groups > 1 else 0, axes
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _index(places: Ints, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(places).to(like.device)


def _is_run(places: Ints) -> bool:
    """Whether they are consecutive numbers."""
    return len(places) > 0 and bool((np.diff(places) == 1).all())


class _Sum:
    """Columns of one group of a convolution, to be summed by neuron.

    Attributes:
        neurons: those that they read, each once.
    """

    def __init__(self, neurons: Ints, columns: Ints, factors: torch.Tensor, fan_in: int) -> None:
        order = np.lexsort((columns, neurons))
        self.neurons, counts = np.unique(neurons, return_counts=True)
        self._columns = columns[order]
        self._whole = np.array_equal(self._columns, np.arange(fan_in))
        self._factors = factors[torch.from_numpy(order).to(factors.device)]
        self._each = int(counts[0]) if (counts == counts[0]).all() else 0
        self._owner = np.repeat(np.arange(len(counts)), counts)

    def summed(self, norms: torch.Tensor) -> torch.Tensor:
        """Norms, (rows, columns), with their factors, added up: (neurons, rows)."""
        if not self._whole:
            norms = norms[:, torch.from_numpy(self._columns).to(norms.device)]
        norms = norms * self._factors
        if self._each:
            return norms.view(len(norms), len(self.neurons), self._each).sum(-1).T
        owner = torch.from_numpy(self._owner).to(norms.device)
        sums = norms.new_zeros(len(self.neurons), len(norms))
        return sums.index_add_(0, owner, norms.T)


def _kernel_norms(kernels: torch.Tensor, kernel_norm: KernelNorm) -> torch.Tensor:
    """Entrywise norm over the last axis, in float64."""
    sizes: torch.Tensor = magnitudes(kernels)
    return sizes.square().sum(-1).sqrt() if kernel_norm == "l2" else sizes.sum(-1)
