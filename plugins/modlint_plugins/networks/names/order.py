"""The order of a chain's layers: the file's, the names', or the only one the shapes allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations, product

from msgspec import Struct

from modlint_plugins.networks.names.chain import Contradiction, Link, link
from modlint_plugins.networks.names.modules import LayerModule
from modlint_plugins.networks.names.words import natural_key, role, stem

_MAX_STEPS = 100_000
_MAX_IMAGE_CHANNELS = 4


class Chain(Struct, frozen=True):
    """Layers in order; `assumption` says what the order rests on where it is not certain."""

    links: tuple[Link, ...]
    assumption: str | None = None


def arrange(modules: Sequence[LayerModule], sorted_by_name: bool) -> Chain:
    """Chain the layers of a network.

    Args:
        modules: in the file's order.
        sorted_by_name: the file's order is that of the names, it says nothing.

    Raises:
        Contradiction: the shapes contradict the file's order and every order that the names
            allow, or fit several of these.
    """
    natural, orders = _orders_by_name(modules)
    from_file = None if sorted_by_name else _try(modules)
    if from_file is not None and list(modules) == natural:
        return Chain(from_file)
    by_name = [links for order in orders if (links := _try(order)) and not _circular(links)]
    if from_file is not None:
        certain = by_name == [from_file]
        return Chain(from_file, None if certain else "the layers are taken in the file's order")
    if len(by_name) > 1 or not orders:
        raise Contradiction("the names do not tell the order, and several fit the shapes")
    if not by_name:
        link(natural if sorted_by_name else modules)  # says where the shapes contradict it
        raise Contradiction("its linear layers may stand before its convolutions or after them")
    order = "the layers are taken in the order of their names, which is not the file's"
    return Chain(by_name[0], None if sorted_by_name else order)


def _try(modules: Sequence[LayerModule]) -> tuple[Link, ...] | None:
    try:
        return link(modules)
    except Contradiction:
        return None


def _circular(links: Sequence[Link]) -> bool:
    """Whether a last linear layer may as well feed the first convolution, as generators do."""
    first, last = links[0], links[-1]
    if first.module.linear or not last.module.linear or first.inputs <= _MAX_IMAGE_CHANNELS:
        return False
    return last.outputs > first.inputs and last.outputs % first.inputs == 0


def _orders_by_name(
    modules: Sequence[LayerModule],
) -> tuple[list[LayerModule], list[list[LayerModule]]]:
    """The natural order, and all orders that the names allow, [] where these are too many.

    Layers of one stem ("fc1", "fc2") stay together and in order; of different stems those come
    first whose role does ("conv1" before "fc1", "encoder" before "decoder"); else any may.
    """
    depth = _divergence(modules)
    natural = sorted(modules, key=lambda module: natural_key(module.parts[depth:]))
    groups: dict[tuple[int, int], dict[str, list[LayerModule]]] = {}
    for module in natural:
        part = module.parts[depth] if len(module.parts) > depth else ""
        groups.setdefault(role(part), {}).setdefault(stem(part), []).append(module)
    steps = math.prod(math.factorial(len(stems)) for stems in groups.values())
    if steps * len(natural) > _MAX_STEPS:
        return natural, []
    choices = product(*(permutations(stems.values()) for stems in groups.values()))
    return natural, [[m for stems in c for members in stems for m in members] for c in choices]


def _divergence(modules: Sequence[LayerModule]) -> int:
    """Index of the first component in which the layers' names differ."""
    paths = [module.parts for module in modules]
    depth = 0
    while all(len(path) > depth + 1 for path in paths) and len({p[depth] for p in paths}) == 1:
        depth += 1
    return depth
