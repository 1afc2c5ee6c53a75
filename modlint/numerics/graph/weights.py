"""The weighted graph: a non-negative (in, out) matrix for each call and group that it reads.

Vertices and edges are those of arXiv 2103.03386, section 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.network import Call, Network
from modlint.numerics.graph.call_zeros import Mask
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.graph.folding import Columns, Folding, blame
from modlint.numerics.graph.kernels import is_turned, kernels_of, slices
from modlint.numerics.graph.on_numpy import OnNumpy
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import is_double, magnitudes
from modlint.results.graphs import Block, Graph, KernelNorm

CHUNK = 1 << 20
"""Weights that are widened to float64 at a time."""


@np.errstate(all="ignore")
def build_graph(network: Network, inputs: Inputs, kernel_norm: KernelNorm) -> Graph:
    """Build the graph of a network, as numpy's arrays.

    Raises:
        Unavailable: a weight is not finite, or is not what the network says.
    """
    on_numpy = OnNumpy(inputs)
    dtype = precision(network, inputs)
    builder = BlockBuilder(network, on_numpy, Folding(network, on_numpy), kernel_norm, dtype)
    blocks = (block for call in joining(network) for block in builder.blocks(call))
    return Graph({group.name: group.size for group in network.groups}, tuple(blocks))


def joining(network: Network) -> list[Call]:
    """The calls that join neurons to neurons: an embedding's entries are none."""
    return [call for call in network.calls if call.reads]


def precision(network: Network, inputs: Inputs) -> type[np.floating[Any]]:
    """Of a network's edges: float64 where some weight is stored so, else float32."""
    double = any(is_double(inputs.weight(call.weight)) for call in joining(network))
    return np.float64 if double else np.float32


class Factors(Protocol):
    """What weights are multiplied by, and the neurons that they join."""

    def rows(self, call: Call) -> tuple[Ints, Floats]:
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
        inputs: OnNumpy,
        factors: Factors,
        kernel_norm: KernelNorm,
        dtype: type[np.floating[Any]],
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
            if not np.isfinite(edges).all():
                raise Unavailable(blame(call, self.network, self.inputs))
            yield Block(
                call.name,
                call.weight,
                columns.group,
                target,
                edges,
                places.mask(),
                is_turned(call),
                places.part(),
            )

    def _edges(self, kernels: Array, places: _Places, factors: Floats) -> NDArray[Any]:
        """Kernel norms with norms folded, columns and rows of one neuron added up: (in, out)."""
        groups, height, fan_in, positions = kernels.shape
        edges = np.zeros(places.sizes, self.dtype if places.rows_apart else np.float64)
        scale = abs(factors)
        step = max(1, CHUNK // max(1, fan_in * positions))
        for group in range(groups):
            own = places.columns_of(group, fan_in)
            if own is None:
                continue
            for some in slices(height, step):
                rows = slice(group * height + some.start, group * height + some.stop)
                norms = _kernel_norms(kernels[group, some], self.kernel_norm)
                places.add(edges, own.summed(norms) * scale[rows], own.neurons, rows)
        return edges.astype(self.dtype, copy=False)


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
            abs(self.columns.factors[mine]),
            fan_in,
        )

    def add(self, edges: NDArray[Any], sums: Floats, neurons: Ints, rows: slice) -> None:
        """Add edges, (neurons, rows), to a block."""
        targets = self.rows[rows]
        driving = targets >= 0
        if not driving.all():
            sums, targets = sums[:, driving], targets[driving]
        if not self.rows_apart:
            np.add.at(edges, (neurons[:, None], targets), sums)
        elif _is_run(neurons) and _is_run(targets):
            edges[neurons[0] : neurons[-1] + 1, targets[0] : targets[-1] + 1] = sums
        else:
            edges[neurons[:, None], targets] = sums

    def mask(self) -> Mask | None:
        """Where an edge can exist: (in, out) bool, None for everywhere."""
        source, target = self.sizes
        groups = self.call.groups
        whole = len(np.unique(self.columns.neurons)) == source
        if groups == 1 and whole and len(np.unique(self.rows[self.rows >= 0])) == target:
            return None
        mask = np.full((source, target), False)
        fan_in, height = self.call.columns // groups, self.call.rows // groups
        for group in range(groups):
            rows = self.rows[group * height : (group + 1) * height]
            own = self.columns_of(group, fan_in)
            if own is not None:
                mask[own.neurons[:, None], rows[rows >= 0]] = True
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


def _is_run(places: Ints) -> bool:
    """Whether they are consecutive numbers."""
    return len(places) > 0 and bool((np.diff(places) == 1).all())


class _Sum:
    """Columns of one group of a convolution, to be summed by neuron.

    Attributes:
        neurons: those that they read, each once.
    """

    def __init__(self, neurons: Ints, columns: Ints, factors: Floats, fan_in: int) -> None:
        order = np.lexsort((columns, neurons))
        self.neurons, counts = np.unique(neurons, return_counts=True)
        self._columns = columns[order]
        self._whole = np.array_equal(self._columns, np.arange(fan_in))
        self._factors = factors[order]
        self._apart = bool((counts == 1).all())
        self._starts = np.cumsum(counts) - counts

    def summed(self, norms: Floats) -> Floats:
        """Norms, (rows, columns), with their factors, added up: (neurons, rows)."""
        if not self._whole:
            norms = norms[:, self._columns]
        if self._apart:
            return (norms * self._factors).T
        sums: Floats = np.add.reduceat(norms * self._factors, self._starts, axis=1).T
        return sums


def _kernel_norms(kernels: Array, kernel_norm: KernelNorm) -> Floats:
    """Entrywise norm over the last axis, in float64."""
    sizes: Floats = magnitudes(kernels)
    if kernel_norm == "l2":
        roots: Floats = np.sqrt(np.square(sizes).sum(-1))
        return roots
    return sizes[..., 0] if sizes.shape[-1] == 1 else sizes.sum(-1)
