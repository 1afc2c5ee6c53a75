"""The networks that one state_dict names: generator beside discriminator, actor beside critic."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modlint.checkpoint import Tensor
from modlint_plugins.networks.names.modules import components, is_layer_weight
from modlint_plugins.networks.names.words import words

_NETWORKS = frozenset(
    {
        "generator", "discriminator", "gen", "disc", "netg", "netd",
        "actor", "critic", "policy", "pi", "value", "vf", "qf", "qnet", "qnetwork",
        "teacher", "student", "ema", "target", "momentum",
    }
)  # fmt: skip
_SHORT = re.compile(r"(net_?)?[gdq](_?\d+|_[a-z0-9]{1,3})?", re.IGNORECASE)
_COUNTERPARTS = frozenset({"model", "net", "network", "online", "local", "main"})
_CODERS = frozenset({"encoder", "decoder", "enc", "dec"})


def split_networks(tensors: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """Tensors by the network that their first component names; {} where names show only one."""
    firsts = _layer_firsts(tensors)
    known = [first for first in firsts if _is_network(first)]
    others = [first for first in firsts if first not in known]
    if len(firsts) < 2 or not known:
        return {}
    if any(_COUNTERPARTS.isdisjoint(words(first)) for first in others):
        return {}
    return _by_first(tensors, firsts)


def split_coders(tensors: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """Tensors by encoder and decoder; {} where the names show anything else."""
    firsts = _layer_firsts(tensors)
    coders = len(firsts) == 2 and all(_CODERS & set(words(first)) for first in firsts)
    return _by_first(tensors, firsts) if coders else {}


def _is_network(component: str) -> bool:
    return bool(_SHORT.fullmatch(component)) or not _NETWORKS.isdisjoint(words(component))


def _layer_firsts(tensors: Sequence[Tensor]) -> list[str]:
    """The first components of layers' names, sorted: files of one network differ in order."""
    keys = zip(tensors, components(tensors), strict=True)
    return sorted({key[0] for tensor, key in keys if is_layer_weight(tensor)})


def _by_first(tensors: Sequence[Tensor], firsts: Sequence[str]) -> dict[str, list[Tensor]]:
    parts: dict[str, list[Tensor]] = {first: [] for first in firsts}
    for tensor, key in zip(tensors, components(tensors), strict=True):
        if key[0] in parts:
            parts[key[0]].append(tensor)
    return parts
