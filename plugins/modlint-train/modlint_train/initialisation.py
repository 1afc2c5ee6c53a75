"""Clusterable initialisation (Filan et al., arXiv 2103.03386, section 5)."""

from __future__ import annotations

import torch
from torch import nn

from modlint.network import Call
from modlint_train.layout import writable
from modlint_train.live import infer, live_tensors
from modlint_train.units import Units, draw_units, inner_layers

LINEAR, CONVOLUTION = 0.6, 0.8
"""Published factors d of weights between modules."""


@torch.no_grad()
def clusterable_init_(
    module: nn.Module,
    modules: int = 10,
    within: float | None = None,
    between: float | None = None,
    generator: torch.Generator | None = None,
) -> Units:
    """Plant modules in initial weights, in place.

    Each unit gets one of the modules at random, output c module c mod `modules`. Weights within a
    module are multiplied by u, those between modules by d, with u = 1 + (1 − d)(modules − 1), so
    that the mean stays; the first layer of weights is left as it is. Call it once, after the usual
    initialisation.

    Args:
        module: any from whose parameters modlint rebuilds its networks.
        modules: how many, at least 2.
        within: u; unset, it follows from d.
        between: d; unset, it follows from u; with both unset it is .6 for linear layers and .8 for
            convolutions (u = 4.6 and 2.8 with 10 modules).
        generator: of the units' modules, on the CPU; unset, torch's global one.

    Returns:
        By network and group ("0/fc1"), (units,) int64: each unit's module; also the input's units',
        though no scaled layer touches them.

    Raises:
        ValueError: fewer than two modules, or a negative factor.
        NotInferred: modlint rebuilds no network from the module.
    """
    networks, tensors = infer(module), live_tensors(module)
    units = draw_units(networks, modules, generator)
    for _, call, together in inner_layers(networks, units):
        u, d = _factors(call, modules, within, between)
        weight = tensors[call.weight]
        with writable(call, weight) as view:
            view.mul_((together.double() * (u - d) + d).to(weight))
    return units


def _factors(
    call: Call, modules: int, within: float | None, between: float | None
) -> tuple[float, float]:
    others = modules - 1
    if between is None:
        published = LINEAR if call.kind == "linear" else CONVOLUTION
        between = published if within is None else 1 - (within - 1) / others
    if within is None:
        within = 1 + (1 - between) * others
    if min(within, between) < 0:
        raise ValueError(f"factors {within:g} within and {between:g} between turn signs: none may")
    return within, between
