"""How a layer's weight is laid out, and how the norms around it fold into it."""

from __future__ import annotations

import math

from modlint.errors import Unavailable
from modlint.network import Layer, Network, Norm
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import filled, is_finite, wide
from modlint.numerics.tensor.chunks import chunks


def as_kernels(network: Network, layer: Layer, weight: Array) -> Array:
    """A layer's weight as a view of shape (out, in/groups, kernel positions).

    Raises:
        Unavailable: its shape contradicts the network.
    """
    if math.prod(weight.shape) != math.prod(layer.shape):
        raise Unavailable(
            f"layer {layer.name!r}: its weight has shape {list(weight.shape)}, "
            f"the network says {list(layer.shape)}"
        )
    weight = weight.reshape(layer.shape)
    out, columns = network.group(layer.target).size, _columns(network, layer)
    view = None if out % layer.groups or columns % layer.groups else _oriented(layer, weight)
    if view is None or view.shape[:2] != (out, columns // layer.groups):
        raise Unavailable(
            f"layer {layer.name!r}: a weight of shape {list(weight.shape)} does not connect "
            f"{columns} inputs to {out} outputs in {layer.groups} group(s)"
        )
    return view


def _columns(network: Network, layer: Layer) -> int:
    return network.group(layer.source).size * layer.columns_per_unit


def _oriented(layer: Layer, weight: Array) -> Array | None:
    """The weight as (out, in/groups, kernel positions), None where it cannot be one."""
    if weight.ndim < 2:
        return None
    kernels = weight.reshape(*weight.shape[:2], math.prod(weight.shape[2:]))
    if layer.kind == "conv-transpose":
        if kernels.shape[0] % layer.groups:
            return None
        grouped = kernels.reshape(
            layer.groups, kernels.shape[0] // layer.groups, *kernels.shape[1:]
        )
        turned = grouped.swapaxes(1, 2)
        return turned.reshape(turned.shape[0] * turned.shape[1], *turned.shape[2:])
    return kernels.swapaxes(0, 1) if layer.transposed else kernels


def by_unit(layer: Layer, columns: Array) -> Array:
    """Split an axis of flattened columns, the last one, into (units, columns per unit): a view."""
    per_unit, rest = layer.columns_per_unit, columns.shape[:-1]
    units = columns.shape[-1] // per_unit
    if layer.channels_last:
        return columns.reshape(*rest, per_unit, units).swapaxes(-1, -2)
    return columns.reshape(*rest, units, per_unit)


def row_factors(network: Network, layer: Layer, inputs: Inputs) -> Array:
    """What the output norms multiply each row by: (out,) float64.

    Raises:
        Unavailable: a norm's size contradicts the network.
    """
    size = network.group(layer.target).size
    factors = filled(size, 1.0, inputs.device)
    for norm in layer.output_norms:
        factors = factors * _expect(norm_factors(norm, inputs), (size,), layer)
    return factors


def column_factors(network: Network, layer: Layer, inputs: Inputs) -> Array:
    """What the input norms multiply each column by: (in columns,) float64.

    Raises:
        Unavailable: a norm's size contradicts the network.
    """
    size, columns = network.group(layer.source).size, _columns(network, layer)
    factors = filled(columns, 1.0, inputs.device)
    for norm in layer.input_norms:
        factor = _expect(norm_factors(norm, inputs), (size, columns), layer)
        if len(factor) == size and columns != size:
            view = by_unit(layer, factors)
            view *= factor.reshape(size, 1)
        else:
            factors = factors * factor
    return factors


def _expect(factors: Array, sizes: tuple[int, ...], layer: Layer) -> Array:
    if len(factors) not in (1, *sizes):
        raise Unavailable(
            f"layer {layer.name!r}: a norm of {len(factors)} units beside {sizes[0]} units"
        )
    return factors


def norm_factors(norm: Norm, inputs: Inputs) -> Array:
    """The factor by which a norm multiplies each unit: (size,) or (1,) float64.

    γ/√(σ² + ε) of a batch norm, γ of a norm whose statistics depend on the data.
    """
    scale = part(norm.scale, inputs, 1.0)
    if norm.kind == "batch" and norm.variance is not None:
        return scale / (part(norm.variance, inputs, 1.0) + norm.epsilon) ** 0.5
    return scale


def part(name: str | None, inputs: Inputs, default: float) -> Array:
    """A norm's or a bias' tensor, flat in float64; of one element `default` where there is none."""
    if name is None:
        return filled(1, default, inputs.device)
    return wide(inputs.weight(name).reshape(-1)).real


def blame(layer: Layer, inputs: Inputs) -> str:
    """Which tensor of a layer, of which some edge is not finite, makes it so."""
    for name in layer.tensors:
        if name != layer.bias and not _all_finite(inputs.weight(name)):
            return f"layer {layer.name!r}: tensor {name!r} holds NaN or infinity"
    return f"layer {layer.name!r}: its weights are not finite once its norms are folded"


def _all_finite(values: Array) -> bool:
    return all(is_finite(chunk.floats) for chunk in chunks(values))
