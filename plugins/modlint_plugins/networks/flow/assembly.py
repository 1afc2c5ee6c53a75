"""From what a tracer has noted to a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from modlint.builder import Built
from modlint.network import (
    Activation,
    Call,
    Group,
    GroupRole,
    Join,
    Network,
    NetworkSource,
    Norm,
    Operation,
    Span,
    Unplaced,
    Value,
)
from modlint.verdict import Confidence
from modlint_plugins.networks.flow.coupling import coupled, equal_runs, numbered, parts_of
from modlint_plugins.networks.flow.nodes import (
    CallNode,
    InputNode,
    JoinNode,
    Node,
    Pairs,
    PointNode,
)
from modlint_plugins.networks.flow.spans import ranges_of, spans_of
from modlint_plugins.networks.flow.tracer import Tracer

_LEAST = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)


def network_of(
    tracer: Tracer,
    id: str,
    source: NetworkSource,
    blocks: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> Built:
    """The network of all calls whose columns were followed, and the weights of the others."""
    unplaced = [n for n in tracer.nodes if isinstance(n, CallNode) and n.unread is not None]
    missing = tuple(Unplaced(n.weight.tensor, f"layer {n.name!r}: {n.unread}") for n in unplaced)
    nodes = _live(tracer.nodes)
    if not any(_is_call(node) for node in nodes):
        return Built((), missing)
    assembly = _Assembly(nodes, tracer.apart)
    confidences = {node.confidence for node in nodes if isinstance(node, CallNode)}
    network = Network(
        id=id,
        source=source,
        confidence=max(confidences, key=_LEAST.index),
        groups=assembly.groups,
        values=assembly.values,
        operations=tuple(assembly.operations()),
        blocks=tuple(blocks),
        remarks=tuple(remarks),
    )
    return Built((network,), missing)


def _is_call(node: Node) -> bool:
    return isinstance(node, CallNode) and node.unread is None


def _operands(node: Node) -> list[Pairs]:
    """What a node reads; nothing where its columns are not known."""
    if isinstance(node, CallNode):
        return node.reads if node.unread is None else []
    if isinstance(node, PointNode):
        return [(node.operand, np.arange(node.size))]
    if isinstance(node, JoinNode):
        parts = [] if node.parts is None else [(node.parts, np.zeros_like(node.parts))]
        return [*node.operands, *parts]
    return []


def _live(nodes: Sequence[Node]) -> list[Node]:
    """Calls, results, what is exposed, and whatever these read; in order."""
    bases = np.array([node.base for node in nodes], dtype=np.int64)
    order = np.argsort(bases)
    wanted = [
        i
        for i, n in enumerate(nodes)
        if _is_call(n) or n.is_output or (isinstance(n, JoinNode) and n.kind == "meeting")
    ]
    seen = set(wanted)
    while wanted:
        for labels, _ in _operands(nodes[wanted.pop()]):
            read = np.unique(np.searchsorted(bases[order], labels, side="right") - 1)
            fresh = {int(order[i]) for i in read} - seen
            seen |= fresh
            wanted += fresh
    return [node for i, node in enumerate(nodes) if i in seen]


class _Assembly:
    """The parts of a network, made of live nodes.

    Args:
        nodes: in topological order.
        apart: labels, and the head in which each is.
    """

    def __init__(self, nodes: Sequence[Node], apart: Sequence[Pairs] = ()) -> None:
        self.nodes = nodes
        self.apart = apart
        self.names = _unique_names(nodes)
        ordered = sorted(nodes, key=lambda node: node.base)
        self._ordered, self._bases = ordered, np.array([node.base for node in ordered])
        # channels numbered one after the other, without the gaps that dropped nodes leave
        self._starts = np.cumsum([0, *(node.size for node in ordered)])
        self.groups, self.values = self._grouped()

    def operations(self) -> Iterable[Operation]:
        """In topological order."""
        for node in self.nodes:
            operation = self._operation(node)
            if operation is not None:
                yield operation

    def _operation(self, node: Node) -> Operation | None:
        name = self.names[id(node)]
        if isinstance(node, PointNode):
            return self._point(node, name)
        if isinstance(node, JoinNode):
            operands = [self._spans([pairs]) for pairs in node.operands]
            if node.parts is not None:
                operands.append(self._shared(node.parts, node.size))
            return Join(node.kind, tuple(operands), name, node.heads)
        if isinstance(node, CallNode) and node.unread is None:
            return self._call(node, name)
        return None

    def _call(self, node: CallNode, name: str) -> Call:
        weight = node.weight
        rows = np.arange(weight.rows)
        channels = rows if weight.row_of is None else weight.row_of
        return Call(
            name=name,
            kind=node.kind,
            weight=weight.tensor,
            layout=weight.layout,
            rows=weight.rows,
            columns=weight.columns,
            reads=self._spans(node.reads),
            target=name,
            drives=tuple(spans_of(name, channels, rows)),
            bias=weight.bias,
            delay=node.delay,
            confidence=node.confidence,
        )

    def _point(self, node: PointNode, name: str) -> Operation:
        reads = self._spans(_operands(node))
        if node.norm is None:
            own = () if node.elements is None else ranges_of(node.elements)
            return Activation(node.activation or "unknown", reads, name, node.slope, own)
        norm, elements = node.norm, node.elements
        assert elements is not None  # noqa: S101
        return Norm(
            kind=norm.kind,
            reads=reads,
            target=name,
            elements=ranges_of(elements),
            scale=norm.scale,
            shift=norm.shift,
            mean=norm.mean,
            variance=norm.variance,
            epsilon=norm.epsilon,
            offset=norm.offset,
            groups=norm.groups,
        )

    def _spans(self, read: Sequence[Pairs]) -> tuple[Span, ...]:
        """Labels by column as spans of values."""
        found: list[Span] = []
        for labels, columns in read:
            owner = np.searchsorted(self._bases, labels, side="right") - 1
            for i in np.unique(owner):
                mine = owner == i
                node = self._ordered[i]
                found += spans_of(self.names[id(node)], labels[mine] - node.base, columns[mine])
        return tuple(found)

    def _shared(self, labels: NDArray[np.int64], size: int) -> tuple[Span, ...]:
        """Labels of which each is read by all of `size` channels."""
        owner = np.searchsorted(self._bases, labels, side="right") - 1
        return tuple(
            Span(self.names[id(node)], channels, 0, 0, size)
            for i in np.unique(owner)
            for node in (self._ordered[i],)
            for channels in ranges_of(labels[owner == i] - node.base)
        )

    def _grouped(self) -> tuple[tuple[Group, ...], tuple[Value, ...]]:
        """Neurons are what joins and point operations couple; groups what shares neurons."""
        pairs = [pair for node in self.nodes for pair in self._coupled_by(node)]
        neurons = coupled(int(self._starts[-1]), pairs)
        owners = np.repeat(np.arange(len(self._ordered)), np.diff(self._starts))
        group_of = coupled(len(self._ordered), [(owners, owners[neurons])])
        position = numbered(neurons, group_of[owners])
        place = {id(node): i for i, node in enumerate(self._ordered)}
        members: dict[int, list[Node]] = {}
        for node in self.nodes:
            members.setdefault(int(group_of[place[id(node)]]), []).append(node)
        least = np.flatnonzero(neurons == np.arange(len(neurons)))
        order = np.argsort(group_of[owners[least]], kind="stable")
        own, whose = least[order], group_of[owners[least]][order]
        starts, ends = (np.searchsorted(whose, list(members), side) for side in ("left", "right"))
        read, heads = self._read(), self._heads(neurons, group_of[owners])
        named = {
            root: self._group(nodes, own[start:end], read, heads.get(root, []))
            for (root, nodes), start, end in zip(members.items(), starts, ends, strict=True)
        }
        values = tuple(
            Value(
                name=self.names[id(node)],
                size=node.size,
                group=named[int(group_of[i])].name,
                neurons=ranges_of(position[self._starts[i] : self._starts[i + 1]]),
                is_input=isinstance(node, InputNode)
                or (isinstance(node, CallNode) and node.unread is not None),
                is_output=node.is_output,
                exposed=node.exposed,
                altered=node.altered or (isinstance(node, CallNode) and node.unread is not None),
            )
            for node in self.nodes
            for i in (place[id(node)],)
        )
        return tuple(named.values()), values

    def _coupled_by(self, node: Node) -> Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Pairs of channels, by their number, that a node makes one neuron."""
        if isinstance(node, CallNode) or (isinstance(node, JoinNode) and node.kind == "statistic"):
            return
        apart = node.apart if isinstance(node, JoinNode) else None
        for labels, channels in _operands(node):
            if apart is not None:
                alike = ~np.isin(labels, apart)
                labels, channels = labels[alike], channels[alike]
            yield self._number(labels), self._number(channels + node.base)

    def _number(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        owner = np.searchsorted(self._bases, labels, side="right") - 1
        shifted: NDArray[np.int64] = labels - self._bases[owner] + self._starts[owner]
        return shifted

    def _read(self) -> set[int]:
        """Nodes that a call reads, by identity."""
        found = set()
        for node in self.nodes:
            if _is_call(node):
                for labels, _ in _operands(node):
                    owners = np.unique(np.searchsorted(self._bases, labels, side="right") - 1)
                    found |= {id(self._ordered[i]) for i in owners}
        return found

    def _heads(
        self, neurons: NDArray[np.int64], groups: NDArray[np.int64]
    ) -> dict[int, list[Pairs]]:
        """By group, neurons and the head in which each is, of what an attention reads."""
        found: dict[int, list[Pairs]] = {}
        sizes = np.array([node.size for node in self._ordered])
        for labels, heads in self.apart:
            owner = np.searchsorted(self._bases, labels, side="right") - 1
            live = (owner >= 0) & (labels < self._bases[owner] + sizes[owner])
            number, head = self._number(labels[live]), heads[live]
            for root in np.unique(groups[number]):
                inside = groups[number] == root
                found.setdefault(int(root), []).append((neurons[number[inside]], head[inside]))
        return found

    def _group(
        self, nodes: Sequence[Node], neurons: NDArray[np.int64], read: set[int], apart: list[Pairs]
    ) -> Group:
        calls = [node for node in nodes if _is_call(node)]
        results = [node for node in nodes if node.is_output]
        role: GroupRole = "hidden"
        if not calls:
            role = "input"
        elif results and not any(id(node) in read for node in nodes):
            role = "output"
        first = calls[0] if calls else nodes[0]
        exposed = role != "output" and any(node.is_output or node.exposed for node in nodes)
        heads = equal_runs(parts_of(neurons, apart))
        return Group(self.names[id(first)], len(neurons), role, exposed, heads)


def _unique_names(nodes: Sequence[Node]) -> dict[int, str]:
    """A name for each node, by identity: its own, numbered where others have it too."""
    taken: dict[str, int] = {}
    names = {}
    for node in nodes:
        seen = taken[node.name] = taken.get(node.name, 0) + 1
        names[id(node)] = node.name if seen == 1 else f"{node.name} ({seen})"
    return names
