"""Calls that run sub-graphs: in line, branches joined, loops once more with what they gave."""

from __future__ import annotations

from typing import Any, Protocol

from modlint_plugins.networks.aten.merging import merged
from modlint_plugins.networks.aten.values import Lost, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk

REPEATED = frozenset({"while_loop", "map", "map_impl", "scan"})
"""Operations whose sub-graph runs more often than it is followed."""


class Run(Protocol):
    """The run of a graph, as far as its sub-graphs need it."""

    walk: Walk

    def inner(self, graph: dict[str, Any], given: list[Value]) -> list[Value]:
        """The results of a sub-graph for the values of its inputs."""
        ...


def called(run: Run, name: str, arguments: list[Value]) -> Value:
    """What a higher-order operation gives."""
    graphs = [
        a["graph"] for a in arguments if isinstance(a, dict) and isinstance(a.get("graph"), dict)
    ]
    given = [a for a in arguments if not isinstance(a, dict)]
    try:
        return _called(run, name, graphs, given)
    except (UnfollowedError, ValueError, IndexError, TypeError) as error:
        return Lost(f"{name}: {str(error)[:100]}")


def _called(run: Run, name: str, graphs: list[dict[str, Any]], given: list[Value]) -> Value:
    if name == "cond" and len(graphs) == 2:
        operands = _flat(given[1:])
        both = [run.inner(graph, operands) for graph in graphs]
        return [merged(run.walk, a, b) for a, b in zip(*both, strict=True)]
    if name.startswith("wrap_with") and graphs:
        first = {"wrap_with_set_grad_enabled": 1, "wrap_with_autocast": 4}.get(name, 0)
        return run.inner(graphs[0], _flat(given[first:]))
    if name == "while_loop" and len(graphs) == 2:
        return _looped(run, graphs[1], _list(given[0]), _flat(given[1:]))
    if name in ("map", "map_impl") and graphs:
        return _mapped(run, graphs[0], _list(given[0]), _flat(given[1:]))
    if name == "scan" and graphs:
        return _scanned(run, graphs[0], _list(given[0]), _list(given[1]), _flat(given[2:]))
    if len(graphs) == 1 and name == "invoke_subgraph":
        return run.inner(graphs[0], _flat([a for a in given if not isinstance(a, str)]))
    raise UnfollowedError("is not known")


def _looped(run: Run, body: dict[str, Any], carried: list[Value], more: list[Value]) -> Value:
    for _ in range(2):
        made = run.inner(body, [*carried, *more])
        carried = [merged(run.walk, a, b) for a, b in zip(carried, made, strict=True)]
    return carried


def _mapped(run: Run, body: dict[str, Any], over: list[Value], more: list[Value]) -> Value:
    counts = [x.shape[0] for x in over]
    made = run.inner(body, [*(run.walk.run("select", x, 0, 0) for x in over), *more])
    return [_repeated(run, x, counts[0]) for x in made]


def _scanned(
    run: Run, body: dict[str, Any], carried: list[Value], over: list[Value], more: list[Value]
) -> Value:
    counts = [x.shape[0] for x in over]
    parts = [run.walk.run("select", x, 0, 0) for x in over]
    for _ in range(2):
        made = run.inner(body, [*carried, *parts, *more])
        states = made[: len(carried)]
        carried = [merged(run.walk, a, b) for a, b in zip(carried, states, strict=True)]
    return [*carried, *(_repeated(run, x, counts[0]) for x in made[len(carried) :])]


def _repeated(run: Run, x: Value, count: int) -> Value:
    return run.walk.run("expand", run.walk.run("unsqueeze", x, 0), (count, *x.shape))


def _list(value: Value) -> list[Value]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _flat(values: list[Value]) -> list[Value]:
    return [x for value in values for x in _list(value)]
