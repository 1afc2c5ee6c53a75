"""Channels that norms silence, by their scales and shifts."""

from __future__ import annotations

import numpy as np

from modlint.errors import Unavailable
from modlint.network import RELU_LIKE, Activation, Network, Norm
from modlint.numerics.graph.call_edges import on_host
from modlint.numerics.graph.channels import Floats
from modlint.numerics.graph.folding import part
from modlint.numerics.inputs import Inputs
from modlint.numerics.tensor.arrays import indices
from modlint.results.units import NormScales


@np.errstate(all="ignore")
def silenced_channels(
    network: Network, inputs: Inputs, faint: float, shut: float
) -> tuple[NormScales, ...]:
    """Of each norm after a normalisation, in topological order; norms that share γ are one.

    Raises:
        Unavailable: a scale or a shift is not finite, or cannot be read.
    """
    norms: dict[str, Norm] = {}
    for op in network.operations:
        if isinstance(op, Norm) and op.kind != "affine" and op.scale is not None:
            norms.setdefault(op.scale, op)
    return tuple(_of(name, norm, network, inputs, (faint, shut)) for name, norm in norms.items())


def _of(
    name: str, norm: Norm, network: Network, inputs: Inputs, limits: tuple[float, float]
) -> NormScales:
    faint, shut = limits
    scale = abs(_finite(name, inputs) + norm.offset)
    shift = _finite(norm.shift, inputs) if norm.shift is not None else np.zeros_like(scale)
    used = scale > 0
    is_faint = used & (scale < faint * scale[used].mean()) if used.any() else used
    below = used & (shift < shut * scale) & ~is_faint
    if not (_behind_is_relu(norm, network) and shift.shape == scale.shape):
        below &= False
    return NormScales(name, len(scale), int((~used).sum()), indices(is_faint), indices(below))


def _finite(name: str, inputs: Inputs) -> Floats:
    values: Floats = on_host(part(name, inputs, 1.0))
    if not np.isfinite(values).all():
        raise Unavailable(f"tensor {name!r} holds NaN or infinity")
    return values


def _behind_is_relu(norm: Norm, network: Network) -> bool:
    """Whether a ReLU is all that reads what a norm makes."""
    value, readers = network.value(norm.target), network.readers[norm.target]
    relus = [op for op in readers if isinstance(op, Activation) and op.name in RELU_LIKE]
    return bool(relus) and len(relus) == len(readers) and not (value.is_output or value.exposed)
