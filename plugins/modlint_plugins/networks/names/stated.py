"""A network of a state_dict whose layers read what the user says that they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modlint.builder import Built
from modlint.checkpoint import Tensor
from modlint.network import Network, NormKind
from modlint.verdict import Confidence
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.names.families.parts import Parts, Unfit

_INPUT = "input"


def rebuild_as_stated(identifier: str, tensors: Sequence[Tensor], edges: Sequence[str]) -> Built:
    """The network that `edges` tell ("fc1 + fc2 -> fc3"), or what contradicts it.

    Channels lie along the second axis; between two layers stands an activation that is not known.
    """
    parts = Parts(Tracer(), {t.key: t for t in tensors}, "", {}, Confidence.HIGH)
    try:
        values = _traced(parts, edges)
        read = {name for edge in edges for name in _split(edge)[1]}
    except Unfit as unfit:
        return Built((Network(identifier, reason=f"the configuration's networks.edges: {unfit}"),))
    parts.tracer.output(*(value for name, value in values.items() if name not in read))
    remarks = ("its edges are those that the configuration states",)
    return network_of(parts.tracer, identifier, "names", remarks=remarks)


def _traced(parts: Parts, edges: Sequence[str]) -> Mapping[str, Traced]:
    """What each named layer gives, in the order of the edges.

    Raises:
        Unfit: an edge names what is not there, or does not fit.
    """
    values: dict[str, Traced] = {}
    for edge in edges:
        target, sources, added = _split(edge)
        if _INPUT in sources and _INPUT not in values:
            values[_INPUT] = parts.tracer.input(_INPUT, (1, _columns(parts, target), 1))
        missing = [name for name in sources if name not in values]
        if missing:
            raise Unfit(f"{edge!r} reads {missing[0]!r}, which no edge before it makes")
        read = [values[name] for name in sources]
        x = parts.add(*read) if added else parts.tracer.concat(target, 1, *read)
        values[target] = _through(parts, target, x)
    return values


def _through(parts: Parts, name: str, x: Traced) -> Traced:
    weight = parts.tensor(name)
    if len(weight.shape) == 1:
        kind: NormKind = "batch" if parts.has(name, "running_var") else "layer"
        return parts.norm(name, x, kind, axis=1)
    if len(weight.shape) > 2:
        made = parts.convolution(name, x)
    else:
        turned = parts.tracer.move("channels", lambda labels: labels.transpose(0, 2, 1), x)
        made = parts.linear(name, *turned)
        (made,) = parts.tracer.move("channels", lambda labels: labels.transpose(0, 2, 1), made)
    return parts.tracer.activation("unknown", made)


def _columns(parts: Parts, name: str) -> int:
    shape = parts.tensor(name).shape
    return shape[0] if len(shape) == 1 else shape[1]


def _split(edge: str) -> tuple[str, list[str], bool]:
    """The layer that reads, what it reads, and whether that is added.

    Raises:
        Unfit: it is not written so.
    """
    sources, arrow, target = edge.partition("->")
    sign = "+" if "+" in sources else ","
    names = [name.strip() for name in sources.split(sign)]
    if not arrow or not target.strip() or not all(names) or (sign == "+" and "," in sources):
        raise Unfit(f'{edge!r} is not written "a -> b", "a + b -> c" or "a, b -> c"')
    return target.strip(), names, sign == "+"
