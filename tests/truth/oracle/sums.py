"""Where channels are summed over: products of two activations, sums and means over channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import fx

from truth.oracle.calls import PRODUCTS, Call
from truth.oracle.disturbing import Wave
from truth.oracle.recording import kind

REDUCTIONS = frozenset({"sum", "mean", "amax", "amin", "max", "min", "prod", "logsumexp"})


def confined(
    wave: Wave, calls: dict[fx.Node, Call], probes: set[int], *, reductions: bool
) -> set[tuple[fx.Node, fx.Node]]:
    """Operands in which one channel lies at some places only of the axis that is summed over."""
    found: set[tuple[fx.Node, fx.Node]] = set()
    sums = list(_meetings(wave, calls, reductions))
    for channel in sorted(probes) if sums else ():
        traces = wave.run([channel], channel)[1]
        for node, operand, axes in sums:
            if _at_some_places(wave.record.values[operand], [t.get(operand) for t in traces], axes):
                found.add((node, operand))
    return found


def _at_some_places(old: torch.Tensor, new: list[torch.Tensor | None], axes: set[int]) -> bool:
    moved = [(n != old) for n in new if n is not None]
    if not moved:
        return False
    mask = torch.stack(moved).any(0)
    kept = sorted(a % old.ndim for a in axes)
    share = (
        mask.movedim(kept, list(range(len(kept)))).flatten(len(kept)).any(-1)
        if old.ndim > len(kept)
        else mask
    )
    return bool(share.double().mean() <= 0.5)


def _meetings(
    wave: Wave, calls: dict[fx.Node, Call], reductions: bool
) -> Iterator[tuple[fx.Node, fx.Node, set[int]]]:
    """The calls of a region that sum over an axis: the call, its operand, the axes."""
    for node in wave.region:
        if node in calls:
            continue
        if kind(node) in PRODUCTS:
            left, right = (node.args[i] for i in PRODUCTS[kind(node)])
            yield node, left, {-1}
            yield node, right, {-2 if wave.record.values[right].ndim > 1 else -1}
        elif reductions and kind(node) in REDUCTIONS:
            axes = _axes(node, wave.record.values[node.args[0]].ndim)
            if axes:
                yield node, node.args[0], axes


def _axes(node: fx.Node, rank: int) -> set[int]:
    given = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    if isinstance(given, fx.Node):
        return set()
    if given is None or given == []:
        return set(range(rank))
    return set(given) if isinstance(given, Iterable) else {given}
