"""Repeated blocks that may add their input to their output, which a state_dict does not record."""

from __future__ import annotations

from collections.abc import Sequence

from modlint_plugins.networks.names.chain import Link
from modlint_plugins.networks.names.words import is_index, stem

Path = tuple[str, ...]


def find_residual_blocks(links: Sequence[Link]) -> str | None:
    """Name of a block that may be residual, None where there is none.

    Such a block holds several layers, stands beside another of the same build, gives as many
    neurons as it takes, and is a module of its own kind: its layers have names, or it stands in a
    list of blocks. A plain nn.Sequential that is an attribute ("conv_block_1.0") adds nothing.
    """
    suspects: list[Path] = [
        path
        for blocks in _alike(_blocks(links)).values()
        for path, layers in blocks.items()
        if len(blocks) > 1 and layers[0].inputs == layers[-1].outputs and _may_add(path, layers)
    ]
    deepest: Path = max(suspects, key=len, default=())
    return ".".join(deepest) or None


def _blocks(links: Sequence[Link]) -> dict[Path, list[Link]]:
    """Every path with more than one layer below it."""
    below: dict[Path, list[Link]] = {}
    for item in links:
        parts = item.module.parts
        for depth in range(1, len(parts)):
            below.setdefault(parts[:depth], []).append(item)
    return {path: layers for path, layers in below.items() if len(layers) > 1}


def _alike(blocks: dict[Path, list[Link]]) -> dict[tuple[object, ...], dict[Path, list[Link]]]:
    """Blocks by their parent, the stem of their name, and the names within them."""
    alike: dict[tuple[object, ...], dict[Path, list[Link]]] = {}
    for path, layers in blocks.items():
        inside = tuple(layer.module.parts[len(path) :] for layer in layers)
        alike.setdefault((path[:-1], stem(path[-1]), inside), {})[path] = layers
    return alike


def _may_add(path: Path, layers: Sequence[Link]) -> bool:
    inside = (part for layer in layers for part in layer.module.parts[len(path) :])
    return is_index(path[-1]) or not all(map(is_index, inside))
