"""How a layer's weight is laid out, and how the norms around it fold into it."""

from __future__ import annotations

import math

import torch

from modlint.errors import Unavailable
from modlint.network import Layer, Network, Norm
from modlint.numerics.inputs import Inputs


def stored_weight(network: Network, layer: Layer, inputs: Inputs) -> torch.Tensor:
    """A layer's weight as a view of shape (out, in/groups, kernel positions).

    Raises:
        Unavailable: its shape contradicts the network.
    """
    weight = inputs.weight(layer.weight)
    if weight.numel() != math.prod(layer.shape):
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


def _oriented(layer: Layer, weight: torch.Tensor) -> torch.Tensor | None:
    """The weight as (out, in/groups, kernel positions), None where it cannot be one."""
    if weight.ndim < 2:
        return None
    kernels = weight.flatten(2) if weight.ndim > 2 else weight.unsqueeze(2)
    if layer.kind == "conv-transpose":
        if kernels.shape[0] % layer.groups:
            return None
        grouped = kernels.reshape(layer.groups, -1, *kernels.shape[1:])
        return grouped.transpose(1, 2).flatten(0, 1)
    return kernels.transpose(0, 1) if layer.transposed else kernels


def by_unit(layer: Layer, columns: torch.Tensor) -> torch.Tensor:
    """Split an axis of flattened columns, the last one, into (units, columns per unit): a view."""
    per_unit, rest = layer.columns_per_unit, columns.shape[:-1]
    if layer.channels_last:
        return columns.view(*rest, per_unit, -1).transpose(-1, -2)
    return columns.view(*rest, -1, per_unit)


def row_factors(network: Network, layer: Layer, inputs: Inputs) -> torch.Tensor:
    """What the output norms multiply each row by: (out,) float64.

    Raises:
        Unavailable: a norm's size contradicts the network.
    """
    size = network.group(layer.target).size
    factors = torch.ones(size, dtype=torch.float64, device=inputs.device)
    for norm in layer.output_norms:
        factors = factors * _expect(norm_factors(norm, inputs), (size,), layer)
    return factors


def column_factors(network: Network, layer: Layer, inputs: Inputs) -> torch.Tensor:
    """What the input norms multiply each column by: (in columns,) float64.

    Raises:
        Unavailable: a norm's size contradicts the network.
    """
    size, columns = network.group(layer.source).size, _columns(network, layer)
    factors = torch.ones(columns, dtype=torch.float64, device=inputs.device)
    for norm in layer.input_norms:
        factor = _expect(norm_factors(norm, inputs), (size, columns), layer)
        if factor.numel() == size and columns != size:
            by_unit(layer, factors).mul_(factor.unsqueeze(1))
        else:
            factors = factors * factor
    return factors


def _expect(factors: torch.Tensor, sizes: tuple[int, ...], layer: Layer) -> torch.Tensor:
    if factors.numel() not in (1, *sizes):
        raise Unavailable(
            f"layer {layer.name!r}: a norm of {factors.numel()} units beside {sizes[0]} units"
        )
    return factors


def norm_factors(norm: Norm, inputs: Inputs) -> torch.Tensor:
    """The factor by which a norm multiplies each unit: (size,) or (1,) float64.

    γ/√(σ² + ε) of a batch norm, γ of a norm whose statistics depend on the data.
    """
    scale = part(norm.scale, inputs, 1.0)
    if norm.kind == "batch" and norm.variance is not None:
        return scale / (part(norm.variance, inputs, 1.0) + norm.epsilon).sqrt()
    return scale


def magnitudes(values: torch.Tensor) -> torch.Tensor:
    """Absolute values in float64, of any dtype; of complex elements the modulus."""
    if values.is_complex():
        return values.to(torch.complex128).abs()
    return values.to(torch.float64).abs()


def part(name: str | None, inputs: Inputs, default: float) -> torch.Tensor:
    """A norm's or a bias' tensor, flat in float64; of one element `default` where there is none."""
    if name is None:
        return torch.full((1,), default, dtype=torch.float64, device=inputs.device)
    return inputs.weight(name).flatten().to(torch.float64)
