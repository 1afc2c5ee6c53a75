"""Hidden units that nothing drives or that drive nothing.

Zeros are exact, and are those of the weights with norms folded in: a γ of zero silences a unit.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import reduce

import numpy as np

from modlint.network import RELU_LIKE, ZERO_AT_ZERO, Group, Layer, Network, Norm
from modlint.numerics.graph.kernels import flat, in_groups, pieces
from modlint.numerics.graph.layout import by_unit, column_factors, norm_factors, part
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import filled, indices, nonzero, where
from modlint.results.units import LayerUnits


@np.errstate(all="ignore")
def inspect_units(network: Network, inputs: Inputs) -> tuple[LayerUnits, ...]:
    """Inspect every hidden group that some layer drives, in topological order.

    Raises:
        Unavailable: a weight's shape contradicts the network.
    """
    hidden = [group for group in network.groups if group.role == "hidden"]
    found = (_inspect(network, group, inputs) for group in hidden)
    return tuple(units for units in found if units is not None)


def _inspect(network: Network, group: Group, inputs: Inputs) -> LayerUnits | None:
    drivers = [layer for layer in network.layers if layer.target == group.name]
    readers = [layer for layer in network.layers if layer.source == group.name]
    if not drivers:
        return None
    values = [constant_output(network, layer, inputs) for layer in drivers]
    join = _product if group.join == "product" else _sum
    constant, off = join(drivers, values)
    read = [_read_units(network, layer, inputs) for layer in readers]
    activations = {layer.activation for layer in drivers}
    return LayerUnits(
        group=group.name,
        layer=drivers[0].name,
        total=group.size,
        silent=indices(~_any(read)) if read and not group.exposed else (),
        constant=indices(constant),
        off=indices(off),
        activation=activations.pop() if len(activations) == 1 else None,
        join=group.join,
    )


def _sum(
    drivers: Sequence[Layer],  # noqa: ARG001
    values: Sequence[Array],
) -> tuple[Array, Array]:
    """Where the sum of the drivers is constant, and where it is not positive: (out,) bool each."""
    value = reduce(operator.add, values)
    return value == value, value <= 0  # NaN, which changes, differs from itself


def _product(drivers: Sequence[Layer], values: Sequence[Array]) -> tuple[Array, Array]:
    """Where the product of the drivers is constant, and where it is zero: (out,) bool each.

    An activation that the file does not tell may make a zero of zero: most do, a sigmoid does not.
    """
    factors = list(zip(drivers, values, strict=True))
    zero = [_zero(layer, value) for layer, value in factors]
    guessed = [value == 0 for layer, value in factors if layer.activation is None]
    whole = reduce(operator.and_, (value == value for value in values))
    certain = reduce(operator.or_, zero)
    return reduce(operator.or_, [whole, certain, *guessed]), certain


def _zero(layer: Layer, value: Array) -> Array:
    """Where a factor is known to be zero behind its activation: (out,) bool."""
    if layer.activation in RELU_LIKE:
        return value <= 0
    return (value == 0) & (layer.activation in ZERO_AT_ZERO)


def constant_output(network: Network, layer: Layer, inputs: Inputs) -> Array:
    """What a layer gives each unit, its norms applied, where no input changes it: (out,) float64.

    NaN where it changes: some in-weight is not zero, or a norm's statistics depend on the data.
    """
    driven, _ = _used(network, layer, inputs)
    value = where(driven, math.nan, part(layer.bias, inputs, 0.0))
    for norm in layer.output_norms:
        value = _normalised(value, norm, inputs)
    return value


def _normalised(value: Array, norm: Norm, inputs: Inputs) -> Array:
    factors, shift = norm_factors(norm, inputs), part(norm.shift, inputs, 0.0)
    static = norm.kind == "affine" or (norm.kind == "batch" and norm.variance is not None)
    centred = value - part(norm.mean, inputs, 0.0) if static else value * math.nan
    return where(factors == 0, shift, centred * factors + shift)


def _used(network: Network, layer: Layer, inputs: Inputs) -> tuple[Array, Array]:
    """Which rows hold anything but zeros, and which columns: (out,) and (in columns,) bool."""
    kernels = in_groups(network, layer, inputs.stored(layer.weight))
    groups, rows, fan_in, positions = kernels.shape
    driven = filled((groups, rows), False, inputs.device, "bool")
    read = filled((groups, fan_in, positions), False, inputs.device, "bool")
    for piece, (group, row, column) in pieces(kernels):
        cells = flat(nonzero(piece))
        driven[group, row] |= cells.any(2)
        read[group, column] |= cells.any(1).reshape(cells.shape[0], -1, positions)
    return driven.reshape(-1), read.any(2).reshape(-1)


def _read_units(network: Network, layer: Layer, inputs: Inputs) -> Array:
    """Which units of the source the layer reads with a weight that is not zero: (in,) bool."""
    _, columns = _used(network, layer, inputs)
    columns &= column_factors(network, layer, inputs) != 0
    return by_unit(layer, columns).any(1)


def _any(masks: list[Array]) -> Array:
    """Where any of several masks holds."""
    some = masks[0]
    for mask in masks[1:]:
        some = some | mask
    return some
