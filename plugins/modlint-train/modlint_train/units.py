"""Which module each unit belongs to, drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from modlint.network import Group, Layer, Network

Units = dict[str, torch.Tensor]
"""By network and group ("0/fc1"), (units,) int64: each unit's module."""


def draw_units(
    networks: Iterable[Network], modules: int, generator: torch.Generator | None
) -> Units:
    """Draw each unit's module; output c gets module c mod `modules`.

    Raises:
        ValueError: fewer than two modules.
    """
    if modules < 2:
        raise ValueError(f"{modules} module(s): at least 2 are needed")
    return {
        f"{network.id}/{group.name}": _draw(group, modules, generator)
        for network in networks
        for group in network.groups
    }


def _draw(group: Group, modules: int, generator: torch.Generator | None) -> torch.Tensor:
    if group.role == "output":
        return torch.arange(group.size) % modules
    return torch.randint(modules, (group.size,), generator=generator)


def inner_layers(
    networks: Iterable[Network], units: Units
) -> Iterator[tuple[Network, Layer, torch.Tensor]]:
    """Layers but those that read the input, each with (in, out) bool: are both in one module?"""
    for network in networks:
        for layer in network.layers:
            if network.group(layer.source).role != "input":
                ends = (units[f"{network.id}/{name}"] for name in (layer.source, layer.target))
                source, target = ends
                yield network, layer, source.unsqueeze(1) == target
