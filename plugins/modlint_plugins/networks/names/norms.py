"""Which layer a normalisation belongs to: by its name, its place and its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, field

from modlint_plugins.networks.flow.nodes import NormTensors
from modlint_plugins.networks.names.chain import Link
from modlint_plugins.networks.names.modules import NormModule
from modlint_plugins.networks.names.words import INPUT, NORM, is_index, numbers, words

_GROUP = frozenset({"gn", "groupnorm", "group", "instance", "instancenorm"})
_RMS = frozenset({"rms", "rmsnorm"})


class Unfitting(Exception):
    """A norm fits no layer; the text says which."""


class SizedNorm(Struct, frozen=True, eq=False):
    """A norm, and how many neurons it has an element for."""

    tensors: NormTensors
    size: int


class Placement(Struct):
    """Norms before a layer, and after it up to its activation; in the order of computation."""

    before: list[SizedNorm] = field(default_factory=list)
    after: list[SizedNorm] = field(default_factory=list)


def place_norms(norms: Sequence[NormModule], links: Sequence[Link]) -> list[Placement]:
    """Give every norm to a layer, in the order of `links`; what stands behind all comes last.

    A norm goes between its layer and the activation, as most networks have it; one in front of
    the first layer, or over flattened columns, to the input of the layer behind it; so does one
    behind the activation, and a layer, group or RMS norm, whose γ belongs to the out-edges.

    Raises:
        Unfitting: a norm fits nowhere.
    """
    placements = [Placement() for _ in (*links, None)]
    hosts = [(norm, _host(norm, links)) for norm in norms]
    leading = _lead(hosts, links)
    for norm, host in hosts:
        _place(norm, host, leading, links, placements)
    return placements


def _host(norm: NormModule, links: Sequence[Link]) -> int | None:
    """Index of the layer that the name points to: −1 for before the first, None for no hint."""
    beside = [i for i, item in enumerate(links) if item.module.parts[:-1] == norm.parts[:-1]]
    last = norm.last
    if is_index(last):
        return _preceding(norm, links)
    named = [i for i in beside if _names(last, links[i].module.last)]
    numbered = [i for i in beside if numbers(last) == numbers(links[i].module.last)]
    for candidates in (named, numbered if numbers(last) else [], beside):
        fitting = [i for i in candidates if _fits(norm, i, links)]
        if len(fitting) == 1 or (fitting and candidates is not beside):
            return fitting[0]
    if not INPUT.isdisjoint(words(last)) and norm.size == links[0].columns:
        return -1
    return None


def _preceding(norm: NormModule, links: Sequence[Link]) -> int | None:
    """The last layer in front of a norm within one nn.Sequential."""
    depth = len(norm.parts) - 1
    inside = [
        (int(item.module.parts[depth]), index)
        for index, item in enumerate(links)
        if item.module.parts[:depth] == norm.parts[:-1]
        and is_index("".join(item.module.parts[depth : depth + 1]))
    ]
    before = [index for place, index in inside if place < int(norm.last)]
    if before:
        return max(before)
    return min(index for _, index in inside) - 1 if inside else None


def _names(norm: str, layer: str) -> bool:
    """Whether a norm's name is the layer's with a word for norms: "conv1_bn", "bn_conv1"."""
    rest = [word for word in words(norm) if word not in NORM]
    return rest == list(words(layer)) and numbers(norm) == numbers(layer) and bool(rest)


def _fits(norm: NormModule, index: int, links: Sequence[Link]) -> bool:
    behind = links[index + 1].columns if index + 1 < len(links) else None
    return norm.size in (links[index].outputs, links[index].inputs, behind)


def _lead(hosts: Sequence[tuple[NormModule, int | None]], links: Sequence[Link]) -> bool:
    """Whether norms stand in front of the layers whose numbers they share."""
    sizes = [
        (norm.size, links[host].inputs, links[host].outputs)
        for norm, host in hosts
        if host is not None and host >= 0 and not is_index(norm.last)
    ]
    before = all(size == inputs for size, inputs, _ in sizes)
    return before and any(size != outputs for size, _, outputs in sizes)


def _place(
    norm: NormModule,
    host: int | None,
    leading: bool,
    links: Sequence[Link],
    placements: list[Placement],
) -> None:
    if host is None:
        host = _only_fit(norm, links)
    elif leading and not is_index(norm.last):
        host -= 1
    if host >= 0 and norm.size == links[host].outputs:
        _place_behind(_norm(norm, links[host]), host, placements, _activated(norm, links[host]))
    elif host + 1 < len(links) and norm.size == links[host + 1].columns:
        placements[host + 1].before.insert(0, _norm(norm, links[host + 1]))
    elif host > 0 and norm.size == links[host - 1].outputs:
        _place_behind(_norm(norm, links[host - 1]), host - 1, placements)
    else:
        raise Unfitting(_unplaced(norm))


def _place_behind(
    norm: SizedNorm, host: int, placements: list[Placement], activated: bool = False
) -> None:
    """Put a norm behind its layer.

    One behind the activation, or whose statistics depend on the data, scales the out-edges.
    """
    if activated or norm.tensors.kind != "batch":
        placements[host + 1].before.append(norm)
    else:
        placements[host].after.append(norm)


def _activated(norm: NormModule, host: Link) -> bool:
    """Whether one nn.Sequential holds both, with another module in between."""
    parts = host.module.parts
    if not is_index(norm.last) or not is_index(host.module.last) or parts[:-1] != norm.parts[:-1]:
        return False
    return int(norm.last) - int(parts[-1]) > 1


def _only_fit(norm: NormModule, links: Sequence[Link]) -> int:
    """The only layer that gives as many neurons as the norm has."""
    fitting = [i for i, item in enumerate(links) if item.outputs == norm.size]
    if len(fitting) != 1:
        raise Unfitting(_unplaced(norm))
    return fitting[0]


def _unplaced(norm: NormModule) -> str:
    return f"the names do not tell which layer the norm {norm.name} ({norm.size:,}) belongs to"


def _norm(module: NormModule, beside: Link) -> SizedNorm:
    name = {part: tensor.name for part, tensor in module.tensors.items()}
    tensors = NormTensors(
        kind=_kind(module, beside),
        scale=name.get("weight"),
        shift=name.get("bias"),
        mean=name.get("running_mean"),
        variance=name.get("running_var"),
    )
    return SizedNorm(tensors, module.size)


def _kind(module: NormModule, beside: Link) -> Literal["batch", "layer", "group", "rms"]:
    named = frozenset(words(module.last))
    if "running_var" in module.tensors:
        return "batch"
    if named & _RMS or module.tensors.keys() == {"weight"}:
        return "rms"
    return "group" if named & _GROUP or not beside.module.linear else "layer"
