"""Which module each unit belongs to, drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from modlint.network import Call, Group, Network
from modlint_train.layout import by_column, by_row, sources

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
) -> Iterator[tuple[Network, Call, torch.Tensor]]:
    """Layers but those that read the input, each with whether weights join units of one module.

    As bool, (groups, rows of a group, columns of a group, 1), for the layer's kernels.
    """
    for network in networks:
        modules = {group.name: units[f"{network.id}/{group.name}"] for group in network.groups}
        for call in network.calls:
            groups = sources(network, call)
            if groups and all(network.group(name).role != "input" for name in groups):
                rows = by_row(network, call, modules)[:, :, None, None]
                yield network, call, rows == by_column(network, call, modules)[:, None, :, None]
