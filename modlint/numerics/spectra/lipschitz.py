"""By how much a network stretches its inputs at most, from the norms of its layers.

The bound of a layer is that of its weight with its fixed norm folded in; of a convolution that of
its transfer function, sampled on a grid and raised by what may lie between the samples (Pfister and
Bresler, Bounding multivariate trigonometric polynomials, IEEE TSP 2019). Sums add bounds, channels
side by side add squares. Source: arXiv 2404.04549; 2109.00959.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modlint.errors import Unavailable
from modlint.network import FIXED, OFFSET, Activation, Call, Join, Network, Norm
from modlint.numerics.graph.folding import Folding, norm_elements
from modlint.numerics.graph.kernels import kernels_of
from modlint.numerics.inputs import Inputs
from modlint.numerics.spectra.matrices import Floats, on_cpu
from modlint.results.spectra import LayerBound, Lipschitz

SLOPES = {
    **dict.fromkeys(("relu", "relu6", "leakyrelu", "elu", "celu", "tanh", "identity"), 1.0),
    **dict.fromkeys(("clip", "clip-at-zero", "softplus", "softsign", "abs", "neg", "sin"), 1.0),
    **dict.fromkeys(("cos", "atan", "softmax", "hardtanh", "thresholdedrelu", OFFSET), 1.0),
    "sigmoid": 0.25,
    "hardsigmoid": 0.2,
    "selu": 1.7581,
    "gelu": 1.13,
    "silu": 1.1,
    "swish": 1.1,
    "mish": 1.09,
    "hardswish": 1.5,
    "erf": 1.13,
}
"""The steepest slope of each activation, rounded up."""
_ROOM = 1 + 1e-9
"""By which rounding may lower a norm."""
_MOST = 6144
_WORK = 2e10
"""Multiplications that the transfer function of one convolution may take."""
_GRIDS = (32, 16, 12, 8)

_Bounds = dict[str, float]


def lipschitz(network: Network, inputs: Inputs) -> Lipschitz | str:
    """Walk the network, operation by operation; says why one of its kind has no bound.

    Raises:
        Unavailable: a weight is not known, or not finite.
    """
    try:
        return _bounded(network, inputs)
    except Unbounded as reason:
        return str(reason)


def _bounded(network: Network, inputs: Inputs) -> Lipschitz:
    walk = _Walk(network, inputs)
    for place, op in enumerate(network.operations):
        inputs.progress("bounding", place, len(network.operations))
        walk.take(op)
    outputs = [value.name for value in network.values if value.is_output]
    if not outputs or not walk.layers:
        raise Unbounded("its output is not known")
    log_bound = _beside([walk.bounds[name] for name in outputs])
    return Lipschitz(log_bound, tuple(walk.layers), walk.assumed)


class Unbounded(Exception):
    """A network of a kind that has no such bound; its text says why."""


class _Walk:
    """By value, log10 of the bound from the inputs to there."""

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self.network, self.inputs = network, inputs
        self.folding = Folding(network, inputs)
        self.bounds = {value.name: 0.0 for value in network.values if value.is_input}
        self.layers: list[LayerBound] = []
        self.assumed = False

    def take(self, op: Call | Norm | Activation | Join) -> None:
        """One operation further."""
        if isinstance(op, Call):
            self.bounds[op.target] = self._call(op)
        elif isinstance(op, Norm):
            self.bounds[op.target] = self._read(op.reads) + self._norm(op)
        elif isinstance(op, Activation):
            self.bounds[op.target] = self._read(op.reads) + math.log10(self._slope(op.name))
        else:
            self.bounds[op.target] = self._join(op)

    def _read(self, spans: Any) -> float:
        names = dict.fromkeys(span.value for span in spans)
        try:
            return _beside([self.bounds[name] for name in names])
        except KeyError as error:
            raise Unbounded("it reads its own state: no bound for all times") from error

    def _call(self, call: Call) -> float:
        if call.kind == "embedding":
            return 0.0
        if call.kind == "recurrent" or call.delay:
            raise Unbounded("a layer is recurrent: no bound for all times")
        before = self._read(call.reads) if call.reads else 0.0
        bound = layer_bound(call, self.folding, self.inputs)
        self.layers.append(LayerBound(call.name, bound))
        return before + (math.log10(bound) if bound else -math.inf)

    def _norm(self, norm: Norm) -> float:
        if norm.kind not in FIXED:
            raise Unbounded(f"a {norm.kind} norm divides by what the data vary: no bound")
        if norm.target in self.network.folded:
            return 0.0
        factors = np.abs(on_cpu(norm_elements(norm, self.network, self.inputs)))
        largest = float(factors.max(initial=0))
        return math.log10(largest) if largest else -math.inf

    def _slope(self, name: str) -> float:
        if name == "unknown":
            self.assumed = True
            return 1.0
        if name not in SLOPES:
            raise Unbounded(f"the activation {name} has no known bound")
        return SLOPES[name]

    def _join(self, join: Join) -> float:
        if join.kind == "statistic":
            self.assumed = True
            return self._read(join.reads)
        if join.kind != "sum":
            raise Unbounded("channels are multiplied with one another: no bound")
        return _sum([self._read(spans) for spans in join.operands if spans])


def layer_bound(call: Call, folding: Folding, inputs: Inputs) -> float:
    """An upper bound of a layer's largest singular value, its fixed norm folded in.

    Raises:
        Unavailable: its entries are not known, or not finite.
    """
    weight = on_cpu(inputs.weight(call.weight))
    kernels = np.array(kernels_of(call, weight), np.float64)
    _, factors = folding.rows(call)
    kernels *= np.asarray(on_cpu(factors)).reshape(*kernels.shape[:2], 1, 1)
    if not np.isfinite(kernels).all():
        raise Unavailable(f"layer {call.name!r}: its elements are not all finite")
    sides = tuple(weight.shape[2:])
    positions = kernels.shape[3]
    known = call.kind in ("conv", "conv-transpose") and math.prod(sides) == positions
    return max((_group_bound(group, sides if known else ()) for group in kernels), default=0.0)


def _group_bound(kernel: Floats, sides: tuple[int, ...]) -> float:
    """Of one group, (rows, columns, positions)."""
    positions = kernel.shape[2]
    if positions == 1:
        return _largest(kernel[:, :, 0])
    by_position = sum(_largest(kernel[:, :, i]) for i in range(positions))
    by_rows = math.sqrt(positions) * _largest(kernel.reshape(len(kernel), -1))
    bounds = [by_position, by_rows]
    grid = _grid(kernel.shape, sides)
    if grid is not None:
        bounds.append(_transfer_bound(kernel.reshape(*kernel.shape[:2], *sides), grid))
    return min(bounds)


def _largest(matrix: Floats) -> float:
    """The largest singular value, from above."""
    small = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    if len(small) > _MOST:
        return float(np.linalg.norm(small))
    gram = small @ small.T
    found = float(np.linalg.eigvalsh(gram)[-1]) if len(gram) else 0.0
    rounding = np.finfo(float).eps * matrix.size**0.5 * float(np.trace(gram))
    return math.sqrt(max(found, 0.0) + rounding) * _ROOM


def _grid(shape: tuple[int, ...], sides: tuple[int, ...]) -> int | None:
    """Points along each axis at which the transfer function is sampled; None for too many."""
    small, large = sorted(shape[:2])
    for points in _GRIDS:
        work = points ** len(sides) / 2 * (4.0 * small * small * large + 6.0 * small**3)
        if sides and points > max(sides) and work <= _WORK:
            return points
    return None


def _transfer_bound(kernel: Floats, points: int) -> float:
    """The largest norm of the transfer function, (rows, columns, *sides), between samples too."""
    axes = tuple(range(2, kernel.ndim))
    transfer = np.fft.rfftn(kernel, [points] * len(axes), axes=axes)
    samples = np.moveaxis(transfer.reshape(*kernel.shape[:2], -1), 2, 0)
    largest = max(_largest_complex(sample) for sample in samples)
    between = math.prod(1 - 2 * math.ceil((side - 1) / 2) / points for side in kernel.shape[2:])
    return largest / math.sqrt(between)


def _largest_complex(sample: Any) -> float:
    small = sample if len(sample) <= sample.shape[1] else sample.T
    gram = small @ small.conj().T
    rounding = np.finfo(float).eps * sample.size**0.5 * float(np.trace(gram).real)
    return math.sqrt(max(float(np.linalg.eigvalsh(gram)[-1]), 0.0) + rounding) * _ROOM


def _beside(logs: list[float]) -> float:
    """log10 of √Σ b²."""
    return _added([2 * each for each in logs]) / 2


def _sum(logs: list[float]) -> float:
    """log10 of Σ b."""
    return _added(logs)


def _added(logs: list[float]) -> float:
    top = max(logs, default=-math.inf)
    if top == -math.inf:
        return top
    return top + math.log10(math.fsum(10 ** (each - top) for each in logs))
