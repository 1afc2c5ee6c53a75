"""Several nodes that together apply one function to a value: x · sigmoid(x), a spelled-out norm.

A region starts at a value that several nodes read and ends where all that was made of it has
come together again, with nothing but scalars mixed in. Whatever its nodes are, it is one function
of the value: an activation where each neuron stays by itself, else a normalisation.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import Literal

from msgspec import Struct

from modlint.network import Norm
from modlint_plugins.networks.onnx_graph.activations import FUNCTIONS
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.values import Signal, Value
from modlint_plugins.networks.onnx_graph.walk import Walk

_MAX_NODES = 16
_REDUCTIONS = frozenset({"ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2", "ReduceSumSquare"})
_OPS = (
    FUNCTIONS
    | _REDUCTIONS
    | {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Clip", "Cast", "Identity", "Where"}
    | {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "And", "Or"}
)
_SCALED = frozenset({"Erf", "Clip", "Tanh"})
NormKind = Literal["layer", "rms", "group"]
Readers = Mapping[str, Sequence[Node]]
IsScalar = Callable[[str], bool]


class Region(Struct, frozen=True):
    """A function of one value.

    Attributes:
        start: the value.
        nodes: the nodes that compute it; the last one gives the result.
    """

    start: str
    nodes: tuple[Node, ...]

    @property
    def ops(self) -> frozenset[str]:
        """The operators that take part."""
        return frozenset(node.op for node in self.nodes)

    @property
    def activation(self) -> str | None:
        """The usual name of the function, None where it has none that modlint knows."""
        ops = self.ops - {"Cast", "Identity"}
        for needed, name in _NAMES:
            if needed <= ops:
                return name
        return None

    @property
    def norm(self) -> NormKind | None:
        """The kind of normalisation where it divides by a statistic of the neurons, else None."""
        if "InstanceNormalization" in self.ops:
            return "group"
        if not self.ops & _REDUCTIONS or self.activation == "softmax":
            return None
        return "layer" if "Sub" in self.ops else "rms"

    def apply(self, walk: Walk) -> Value:
        """What the region gives."""
        data = walk.values[self.start]
        if not isinstance(data, Signal):
            return data
        if self.norm is None:
            return walk.add_activation(data, self.activation)
        return walk.add_norm(self.nodes[0], data, Norm(self.norm, walk.groups[data.group]))


_NAMES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"Exp", "ReduceSum", "Div"}), "softmax"),
    (frozenset({"Erf", "Mul"}), "gelu"),
    (frozenset({"Softplus", "Tanh", "Mul"}), "mish"),
    (frozenset({"Tanh", "Add", "Mul"}), "gelu"),
    (frozenset({"HardSigmoid", "Mul"}), "hardswish"),
    (frozenset({"Add", "Clip", "Mul"}), "hardswish"),
    (frozenset({"Sigmoid", "Mul"}), "swish"),
    (frozenset({"Exp", "Log", "Where"}), "softplus"),
    (frozenset({"Softplus", "Where"}), "softplus"),
    (frozenset({"Abs", "Add", "Div"}), "softsign"),
)


def find_regions(
    nodes: Sequence[Node], values: Set[str], outputs: Set[str], is_scalar: IsScalar
) -> dict[int, Region]:
    """The regions of a network, by the index of each one's last node; they do not overlap.

    Args:
        nodes: the network's nodes.
        values: names of the values that depend on an input.
        outputs: names of the graph's outputs.
        is_scalar: whether the value of a name is a constant without extent.
    """
    readers: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        for name in dict.fromkeys(node.reads):
            readers[name].append(node)
    shared = filter(values.__contains__, _shared(nodes, readers))
    grown = (_grow(start, readers, outputs, is_scalar) for start in shared)
    taken: set[int] = set()
    found: dict[int, Region] = {}
    for region in chain(_group_norms(nodes, readers, outputs), filter(None, grown)):
        if not taken & {node.index for node in region.nodes}:
            taken |= {node.index for node in region.nodes}
            found[region.nodes[-1].index] = region
    return found


def _group_norms(nodes: Sequence[Node], readers: Readers, outputs: Set[str]) -> Iterator[Region]:
    """Group norm as torch spells it: groups to channels, an instance norm, and back."""
    for node in nodes:
        norms = readers[node.output] if node.op == "Reshape" else ()
        backs = readers[norms[0].output] if len(norms) == 1 else ()
        ops = [follower.op for follower in (*norms, *backs)]
        inner = {node.output, *(norm.output for norm in norms)}
        if ops == ["InstanceNormalization", "Reshape"] and not inner & outputs:
            yield Region(node.inputs[0], (node, norms[0], backs[0]))


def _shared(nodes: Sequence[Node], readers: Readers) -> Iterator[str]:
    given = chain.from_iterable((*node.inputs, *node.outputs) for node in nodes)
    return (name for name in dict.fromkeys(given) if name and len(readers[name]) > 1)


def _grow(start: str, readers: Readers, outputs: Set[str], is_scalar: IsScalar) -> Region | None:
    inside, members = {start}, dict[int, Node]()
    waiting = {node.index: node for node in readers[start]}
    order = sorted(waiting)
    while order and len(members) < _MAX_NODES and start not in outputs:
        node = waiting[heapq.heappop(order)]
        fits = all(name in inside or is_scalar(name) for name in node.reads)
        if node.domain or node.op not in _OPS or len(node.outputs) != 1 or not fits:
            return None
        members[node.index] = node
        inside.add(node.output)
        for reader in readers[node.output]:
            if reader.index not in waiting:
                waiting[reader.index] = reader
                heapq.heappush(order, reader.index)
        if _closed(inside, members, readers, outputs, node.output):
            return Region(start, (*members.values(), *_rest(members, readers, outputs, is_scalar)))
    return None


def _rest(
    members: Mapping[int, Node],
    readers: Readers,
    outputs: Set[str],
    is_scalar: IsScalar,
) -> tuple[Node, ...]:
    """A scalar factor behind a spelled-out GELU or hard swish belongs to it."""
    last = list(members.values())[-1]
    if not _SCALED & {node.op for node in members.values()} or last.output in outputs:
        return ()
    following = readers[last.output]
    if len(following) != 1 or following[0].op not in ("Mul", "Div") or following[0].domain:
        return ()
    fits = all(name == last.output or is_scalar(name) for name in following[0].reads)
    return (following[0],) if fits else ()


def _closed(
    inside: Set[str],
    members: Mapping[int, Node],
    readers: Readers,
    outputs: Set[str],
    last: str,
) -> bool:
    """Whether all that was made of the start has come together in `last`."""
    return all(
        name not in outputs and all(reader.index in members for reader in readers[name])
        for name in inside
        if name != last
    )
