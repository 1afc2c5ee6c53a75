"""Networks in the language of Graphviz: calls and joins as nodes, what lies between on edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from modlint.network import Activation, Call, Join, Network, Norm, Operation, Span
from modlint.secret_texts import masked
from modlint.text import printable

_LONGEST_NAME = 60
_SIGNS = {"sum": "+", "product": "×", "meeting": "·", "statistic": "statistic"}


def dot(networks: Sequence[Network]) -> str:
    """A digraph with a cluster for each network that was rebuilt."""
    lines = ["digraph modlint {", "  rankdir=TB;", '  node [shape=box, fontname="sans-serif"];']
    for number, network in enumerate(networks):
        if network.reason is None:
            lines += _cluster(network, number)
    return masked("\n".join([*lines, "}"]) + "\n")


def _cluster(network: Network, number: int) -> Iterator[str]:
    drawing = _Drawing(network, f"n{number}_")
    yield f"  subgraph cluster_{number} {{"
    yield f"    label={_quoted(f'network {network.id}')};"
    yield from (f"    {line}" for line in drawing.nodes())
    yield from (f"    {line}" for line in drawing.edges())
    yield "  }"


class _Drawing:
    """The nodes and edges of one network.

    Args:
        network: the network.
        prefix: of the nodes' names, its own.
    """

    def __init__(self, network: Network, prefix: str) -> None:
        self.network = network
        drawn = [op for op in network.operations if isinstance(op, Call | Join)]
        inputs = [v.name for v in network.values if v.name not in network.makers]
        names = (*inputs, *(op.target for op in drawn))
        self.node = {name: f"{prefix}{i}" for i, name in enumerate(names)}
        self.drawn = drawn
        self.inputs = inputs

    def nodes(self) -> Iterator[str]:
        """A line for each."""
        for name in self.inputs:
            size = self.network.value(name).size
            yield f"{self.node[name]} [shape=ellipse, label={_quoted(name, f'{size:,}')}];"
        for op in self.drawn:
            if isinstance(op, Call):
                shape = "×".join(map(str, op.shape))
                yield f"{self.node[op.target]} [label={_quoted(op.name, f'{op.kind} {shape}')}];"
            else:
                yield f"{self.node[op.target]} [shape=circle, label={_quoted(_SIGNS[op.kind])}];"

    def edges(self) -> Iterator[str]:
        """A line for each way from one node to another, labelled by what lies on it."""
        for op in self.drawn:
            style = ", style=dashed" if isinstance(op, Call) and op.delay else ""
            for source, between in self._behind(op):
                label = _quoted(", ".join(between))
                yield f"{source} -> {self.node[op.target]} [label={label}{style}];"

    def _behind(self, op: Operation) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Nodes behind an operation, each with the norms and activations between."""
        found: dict[tuple[str, tuple[str, ...]], None] = {}
        seen: set[tuple[str, tuple[str, ...]]] = set()
        waiting: list[tuple[str, tuple[str, ...]]] = [(value, ()) for value in _values(op.reads)]
        while waiting:
            value, between = waiting.pop()
            if (value, between) in seen:
                continue
            seen.add((value, between))
            if value in self.node:
                found[self.node[value], between] = None
                continue
            maker = self.network.makers[value]
            word = maker.name if isinstance(maker, Activation) else _norm(maker)
            waiting += [(name, (word, *between)) for name in _values(maker.reads)]
        return found


def _norm(op: Operation) -> str:
    assert isinstance(op, Norm)  # noqa: S101 (calls and joins are nodes)
    return op.kind if op.kind == "affine" else f"{op.kind} norm"


def _values(spans: Sequence[Span]) -> dict[str, None]:
    return dict.fromkeys(span.value for span in spans)


def _quoted(*lines: str) -> str:
    """A string of DOT, on as many lines."""
    shown = (printable(line, _LONGEST_NAME) for line in lines)
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in shown)
    return '"' + "\\n".join(escaped) + '"'
