"""Clusterable initialisation (Filan et al., arXiv 2103.03386, section 5)."""

from __future__ import annotations

import torch
from torch import nn

from modlint.network import Group, Layer
from modlint_train.live import infer, live_tensors
from modlint_train.spread import spread

LINEAR, CONVOLUTION = 0.6, 0.8
"""Published factors d of weights between modules."""


@torch.no_grad()
def clusterable_init_(
    module: nn.Module,
    modules: int = 10,
    within: float | None = None,
    between: float | None = None,
    generator: torch.Generator | None = None,
) -> dict[str, torch.Tensor]:
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
        generator: of the modules of units, on the CPU; unset, torch's global one.

    Returns:
        By network and group ("0/fc1"), (units,) int64: each unit's module. The input's units, which
        no scaled layer touches, have theirs too.

    Raises:
        ValueError: fewer than two modules.
        NotInferred: modlint rebuilds no network from the module.
    """
    if modules < 2:
        raise ValueError(f"{modules} module(s): at least 2 are needed")
    tensors = live_tensors(module)
    planted: dict[str, torch.Tensor] = {}
    for network in infer(module):
        units = {group.name: _draw(group, modules, generator) for group in network.groups}
        for layer in network.layers:
            if network.group(layer.source).role != "input":
                u, d = _factors(layer, modules, within, between)
                together = units[layer.source].unsqueeze(1) == units[layer.target]
                edges = together.double() * (u - d) + d
                tensors[layer.weight].mul_(spread(network, layer, edges, tensors))
        planted |= {f"{network.id}/{name}": of for name, of in units.items()}
    return planted


def _draw(group: Group, modules: int, generator: torch.Generator | None) -> torch.Tensor:
    if group.role == "output":
        return torch.arange(group.size) % modules
    return torch.randint(modules, (group.size,), generator=generator)


def _factors(
    layer: Layer, modules: int, within: float | None, between: float | None
) -> tuple[float, float]:
    others = modules - 1
    if between is None:
        published = LINEAR if layer.kind == "linear" else CONVOLUTION
        between = published if within is None else 1 - (within - 1) / others
    return (1 + (1 - between) * others if within is None else within), between
