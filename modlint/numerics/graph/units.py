"""Hidden units that nothing drives or that drive nothing.

Zeros are exact, and are those of the weights with norms folded in: a γ of zero silences a unit.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import reduce

import torch

from modlint.network import RELU_LIKE, ZERO_AT_ZERO, Group, Layer, Network, Norm
from modlint.numerics.graph.layout import by_unit, column_factors, norm_factors, part, stored_weight
from modlint.numerics.inputs import Inputs
from modlint.results.units import LayerUnits


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
        silent=_indices(~torch.stack(read).any(0)) if read and not group.exposed else (),
        constant=_indices(constant),
        off=_indices(off),
        activation=activations.pop() if len(activations) == 1 else None,
        join=group.join,
    )


def _sum(
    drivers: Sequence[Layer],  # noqa: ARG001
    values: Sequence[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the sum of the drivers is constant, and where it is not positive: (out,) bool each."""
    value = reduce(operator.add, values)
    return value == value, value <= 0  # NaN, which changes, differs from itself


def _product(
    drivers: Sequence[Layer], values: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the product of the drivers is constant, and where it is zero: (out,) bool each.

    An activation that the file does not tell may make a zero of zero: most do, a sigmoid does not.
    """
    factors = list(zip(drivers, values, strict=True))
    zero = [_zero(layer, value) for layer, value in factors]
    guessed = [value == 0 for layer, value in factors if layer.activation is None]
    whole = reduce(operator.and_, (value == value for value in values))
    certain = reduce(operator.or_, zero)
    return reduce(operator.or_, [whole, certain, *guessed]), certain


def _zero(layer: Layer, value: torch.Tensor) -> torch.Tensor:
    """Where a factor is known to be zero behind its activation: (out,) bool."""
    if layer.activation in RELU_LIKE:
        return value <= 0
    return (value == 0) & (layer.activation in ZERO_AT_ZERO)


def constant_output(network: Network, layer: Layer, inputs: Inputs) -> torch.Tensor:
    """What a layer gives each unit, its norms applied, where no input changes it: (out,) float64.

    NaN where it changes: some in-weight is not zero, or a norm's statistics depend on the data.
    """
    driven = _nonzero(network, layer, inputs).any(1)
    value = part(layer.bias, inputs, 0.0).expand(len(driven)).masked_fill(driven, math.nan)
    for norm in layer.output_norms:
        value = _normalised(value, norm, inputs)
    return value


def _normalised(value: torch.Tensor, norm: Norm, inputs: Inputs) -> torch.Tensor:
    factors, shift = norm_factors(norm, inputs), part(norm.shift, inputs, 0.0)
    static = norm.kind == "affine" or (norm.kind == "batch" and norm.variance is not None)
    centred = value - part(norm.mean, inputs, 0.0) if static else torch.full_like(value, math.nan)
    return torch.where(factors == 0, shift, centred * factors + shift)


def _nonzero(network: Network, layer: Layer, inputs: Inputs) -> torch.Tensor:
    """Where a kernel holds anything but zeros: (out, in/groups) bool."""
    weight = stored_weight(network, layer, inputs)
    return (weight != 0).any(2)


def _read_units(network: Network, layer: Layer, inputs: Inputs) -> torch.Tensor:
    """Which units of the source the layer reads with a weight that is not zero: (in,) bool."""
    nonzero = _nonzero(network, layer, inputs)
    columns = nonzero.view(layer.groups, -1, nonzero.shape[1]).any(1).flatten()
    columns &= column_factors(network, layer, inputs) != 0
    return by_unit(layer, columns).any(1)


def _indices(mask: torch.Tensor) -> tuple[int, ...]:
    return tuple(mask.nonzero().flatten().tolist())
