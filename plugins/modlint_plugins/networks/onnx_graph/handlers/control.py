"""Control flow, in line: branches join, a loop's values are carried to a fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modlint_plugins.networks.flow.nodes import CallNode
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.op import Handlers, Items, Op, Result, Value, cut, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.readers.onnx.types import text

MOST_ROUNDS = 3
"""Of a loop: what is carried reaches every reader after as many rounds as values are handed on."""

Found = Value | Refused


def _section(op: Op, name: str) -> str:
    """What precedes the names of tensors in a subgraph."""
    return f"{op.node.name or op.node.output or op.node.kind}.{name}"


def _graph(op: Op, name: str) -> Any:
    found = op.node.attributes.get(name)
    if found is None or not found.HasField("g"):
        raise Refused(f"lacks its {name}")
    return found.g


def _if(op: Op) -> Result:
    condition = op.at(0)
    number = condition.scalar if isinstance(condition, Static) else None
    names = ("then_branch", "else_branch")
    if number is not None:
        names = (names[0],) if number else (names[1],)  # type: ignore[assignment]
    branches = [op.walk.subgraph(_graph(op, name), {}, _section(op, name)) for name in names]
    if len(branches) == 1:
        return branches[0]  # type: ignore[return-value]
    return [_either(op, *pair) for pair in zip(*branches, strict=False)]  # type: ignore[misc]


def _either(op: Op, a: Found, b: Found) -> Found:
    """What is one of two."""
    if isinstance(a, Refused) or isinstance(b, Refused | Items):
        return b
    if isinstance(b, Static) and (isinstance(a, Items | Traced)):
        return a
    if isinstance(a, Static):
        same = isinstance(b, Static) and a.shape == b.shape and a.scalar == b.scalar is not None
        return a if same else b if isinstance(b, Traced) else Static(b.shape)
    if isinstance(a, Items) or not isinstance(b, Traced):
        return a
    if a.shape == b.shape or a.is_lost:
        return op.tracer.join("sum", a, b) if a.shape == b.shape else b
    op.tracer.expose(b)
    return a


def _loop(op: Op) -> Result:
    """Body: round, condition, carried values → condition, carried values, values of each round."""
    body = _graph(op, "body")
    names = [text(value.name) for value in body.input]
    count = op.static(0)
    trips = None if count is None or count.scalar is None else int(count.scalar)
    carried = [_input(op, index) for index in range(2, op.count)]
    rounds: list[list[Found]] = []
    for number in range(MOST_ROUNDS if trips is None else min(trips, MOST_ROUNDS)):
        bound: list[Found] = [Static.number(number), Static.number(True), *carried]
        condition, *rest = op.walk.subgraph(
            body, dict(zip(names, bound, strict=False)), _section(op, "body")
        )
        before, carried = carried, rest[: len(carried)]
        rounds.append(rest[len(carried) :])
        ended = isinstance(condition, Static) and condition.scalar == 0
        if ended or _settled(op, before, carried):
            break
    times = len(rounds) if trips is None else trips
    stacked = [_stacked(op, list(values), times, 0) for values in zip(*rounds, strict=True)]
    return [*carried, *stacked]  # type: ignore[list-item]


def _input(op: Op, index: int) -> Found:
    try:
        return op.items(index)
    except Refused:
        return op.value(index)


def _settled(op: Op, before: Sequence[Found], after: Sequence[Found]) -> bool:
    """Whether another round would carry nothing new: the same tensors' channels."""
    return [_tensors(op, value) for value in before] == [_tensors(op, value) for value in after]


def _tensors(op: Op, value: Found) -> object:
    """What a value carries, as far as it matters to a loop."""
    if isinstance(value, Static):
        return value.scalar
    if not isinstance(value, Traced) or value.is_lost:
        return None
    return frozenset(_producers(op, value))


def _producers(op: Op, x: Traced) -> set[str]:
    found: set[str] = set()
    seen: set[int] = set()
    waiting = list(op.tracer.nodes_of(x.labels))
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, CallNode):
            found.add(node.weight.tensor)
        else:
            waiting += op.tracer.behind(node)
    return found


def _stacked(op: Op, values: list[Found], times: int, axis: int) -> Found:
    """The values of all rounds along an axis of their own."""
    traced = [value for value in values if isinstance(value, Traced)]
    if not traced:
        first = values[0]
        return Static((times, *first.shape)) if isinstance(first, Static) else first
    if any(x.shape != traced[0].shape for x in traced):
        return op.tracer.stopped(
            (times, *traced[0].shape), f"{op.node.title} changes sizes", *traced
        )
    y = traced[0] if len(traced) == 1 else op.tracer.join("sum", *traced)
    axis %= y.rank + 1
    wide = op.as_traced(op.reshaped(y, (*y.shape[:axis], 1, *y.shape[axis:])))
    return op.widened(wide, (*y.shape[:axis], times, *y.shape[axis:]))


def _scan(op: Op) -> Result:
    """Body: states, slices of each sequence → states, values of each round."""
    if op.walk.model.opset < 9:
        raise Refused("is a scan of operator set 8, which is not followed")
    body = _graph(op, "body")
    names = [text(value.name) for value in body.input]
    scanned = op.node.integer("num_scan_inputs", 1)
    first = op.count - scanned
    states: list[Found] = [_input(op, index) for index in range(first)]
    sequences = [op.value(index) for index in range(first, op.count)]
    axes = op.node.integers("scan_input_axes") or (0,) * scanned
    length = min(s.shape[axis] for s, axis in zip(sequences, axes, strict=True))
    rounds: list[list[Found]] = []
    for number in range(min(length, MOST_ROUNDS)):
        slices = [_at(op, s, axis, number) for s, axis in zip(sequences, axes, strict=True)]
        bound = dict(zip(names, [*states, *slices], strict=False))
        found = op.walk.subgraph(body, bound, _section(op, "body"))
        before, states = states, found[:first]
        rounds.append(found[first:])
        uniform = all(_is_uniform(s, axis) for s, axis in zip(sequences, axes, strict=True))
        if uniform and _settled(op, before, states):
            break
    out_axes = op.node.integers("scan_output_axes") or (0,) * len(rounds[0])
    stacked = [
        _stacked(op, list(values), length, axis)
        for values, axis in zip(zip(*rounds, strict=True), out_axes, strict=False)
    ]
    return [*states, *stacked]  # type: ignore[list-item]


def _is_uniform(x: Traced | Static, axis: int) -> bool:
    return isinstance(x, Static) or x.labels.shape[axis] == 1


def _at(op: Op, x: Traced | Static, axis: int, place: int) -> Traced | Static:
    """One slice of a sequence."""
    axis %= x.rank
    part = op.along([axis], cut(axis, place, place + 1), x)
    return op.reshaped(part, [n for i, n in enumerate(x.shape) if i != axis])


HANDLERS: Handlers = standard(If=_if, Loop=_loop, Scan=_scan)
