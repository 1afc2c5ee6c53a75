"""From channels and columns of a call to those of the stored tensor, and whose they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from truth.oracle.calls import Call, Owners
from truth.oracle.recording import Recording, called, kind

Place = tuple[str, int]
_VIEWS = frozenset({"view", "reshape", "permute", "transpose", "t", "clone", "_to_copy", "alias"})
_VIEWS |= {"unsqueeze", "squeeze", "expand", "detach", "_unsafe_view"}
_MOVES = _VIEWS | {"slice", "select", "cat", "split", "split_with_sizes", "getitem", "stack"}
_MOVES |= {"unbind", "chunk", "index", "index_select", "flip", "lift_fresh_copy"}


def places(
    call: Call, axis: int | None, count: int, record: Recording, owners: Owners
) -> list[Place]:
    """For each of `count` channels (or columns) the tensor and the number in it."""
    path = _path(call.weight, owners)
    name = _largest(owners[call.weight], record)
    if axis is not None and not all(kind(n) in _VIEWS for n in path):
        if all(kind(n) in _MOVES for n in path):
            return _traced(call.weight, axis, count, record, path)
    elif axis is not None and any(kind(n) == "permute" for n in path):
        return [(name, i) for i in _stored_order(call.weight, axis, name, record, path)]
    return [(name, i) for i in range(count)]


def _stored_order(
    node: fx.Node, axis: int, name: str, record: Recording, path: list[fx.Node]
) -> list[int]:
    """The places of channels in the order of the stored tensor, whose axes may be permuted."""
    inputs = {n for step in path for n in step.all_input_nodes}
    source = next(n for n in inputs if record.named.get(n) == name)
    value = record.values[source]
    new = {source: torch.arange(value.numel(), dtype=torch.float64).reshape(value.shape)}
    for step in path:
        new[step] = called(step, lambda n: new.get(n, record.values[n]))
    first = new[node].movedim(axis, 0).flatten(1).amin(1)
    return first.argsort().argsort().tolist()


def _path(node: fx.Node, owners: Owners) -> list[fx.Node]:
    """What is computed between the stored tensors and the weight as used, in order."""
    seen: dict[fx.Node, None] = {}
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current.op == "call_function" and owners.get(current) and current not in seen:
            seen[current] = None
            waiting += current.all_input_nodes
    return sorted(seen)


def _largest(names: frozenset[str], record: Recording) -> str:
    sizes = {name: record.values[n].numel() for n, name in record.named.items() if name in names}
    return max(sorted(sizes), key=sizes.__getitem__)


def _traced(
    node: fx.Node, axis: int, count: int, record: Recording, path: list[fx.Node]
) -> list[Place]:
    """Run what moves elements on their numbers: along which stored axis each channel is one."""
    sources = [n for n in record.named if any(n in p.all_input_nodes for p in path)]
    sources = [n for n in sources if record.values[n].ndim > 1] or [node]
    found: list[Place | None] = [None] * count
    for source in sources:
        for stored in range(record.values[source].ndim):
            numbers = _numbers(source, stored, node, record, path)
            flat = numbers.movedim(axis, 0).flatten(1)
            if flat.shape[0] == count:
                _take(found, flat, record.named[source])
    usual = [(record.named[sources[0]], i) for i in range(count)]
    return [place or usual[i] for i, place in enumerate(found)]


def _take(found: list[Place | None], flat: torch.Tensor, name: str) -> None:
    """Where each channel holds one stored number of its own, that is its place."""
    held = (flat == flat[:, :1]).all(1) & (flat[:, 0] >= 0)
    rows = flat[:, 0].long().tolist()
    own = [rows[i] for i in range(len(found)) if held[i]]
    if len(set(own)) != len(own):
        return
    for i, row in enumerate(rows):
        if held[i] and found[i] is None:
            found[i] = (name, row)


def _numbers(
    source: fx.Node, axis: int, node: fx.Node, record: Recording, path: list[fx.Node]
) -> torch.Tensor:
    """The used weight with each element's number along a stored axis, −1 for other tensors."""
    shape = record.values[source].shape
    index = torch.arange(shape[axis], dtype=torch.float64)
    index = index.reshape([-1 if a == axis else 1 for a in range(len(shape))]).expand(shape)
    new: dict[fx.Node, Any] = {source: index.contiguous()}

    def look(n: fx.Node) -> Any:
        if n in new:
            return new[n]
        value = record.values[n]
        floating = isinstance(value, torch.Tensor) and value.is_floating_point()
        return torch.full_like(value, -1.0, dtype=torch.float64) if floating else value

    for step in path:
        new[step] = called(step, look)
    return torch.as_tensor(new[node])
