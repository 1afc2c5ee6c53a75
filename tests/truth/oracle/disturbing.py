"""One producer's channels disturbed: which columns of which consumers change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx

from truth.oracle.calls import Call
from truth.oracle.recording import Recording, called, kind

Changed = dict[fx.Node, torch.Tensor]  # consumer → bool by column
KINDS = ((1.0, 3.0), (-1.0, 3.0), (0.0, 1.0), (0.0, 1e-2))  # sign and size of a disturbance
_FROZEN = frozenset({"_softmax", "_log_softmax", "_safe_softmax", "rsqrt", "var_mean", "var"})
_FROZEN |= {"std", "linalg_vector_norm", "topk", "sort", "argmax", "argmin"}
_NORMS = frozenset({"native_layer_norm", "native_group_norm", "_fused_rms_norm", "rms_norm"})
_ATTENTION = frozenset({"_scaled_dot_product_flash_attention_for_cpu"})
_ATTENTION |= {"scaled_dot_product_attention", "_scaled_dot_product_attention_math"}


@dataclass
class Wave:
    """What a disturbance of one producer reaches.

    Attributes:
        region: the calls that depend on the producer before another weighted call, in order.
        blocked: (call, operand) that passes nothing on: there channels meet or are summed up.
    """

    record: Recording
    calls: dict[fx.Node, Call]
    start: fx.Node
    region: list[fx.Node]
    blocked: set[tuple[fx.Node, fx.Node]] = field(default_factory=set)

    def run(self, channels: Sequence[int], seed: int) -> tuple[Changed, list[dict[fx.Node, Any]]]:
        """Disturb these channels in every way; the columns that change, and the new values."""
        axis = self.calls[self.start].out
        known = self.record.values[self.start]
        columns: Changed = {}
        traces = []
        for changed in disturbed(known, axis, channels, seed):
            new: dict[fx.Node, Any] = {self.start: changed}
            for consumer, moved in self._spread(new):
                columns[consumer] = columns[consumer] | moved if consumer in columns else moved
            traces.append(new)
        return columns, traces

    def _spread(self, new: dict[fx.Node, Any]) -> Iterator[tuple[fx.Node, torch.Tensor]]:
        for node in self.region:
            if not any(n in new for n in node.all_input_nodes):
                continue
            if node in self.calls:
                data = self.calls[node].data
                if data in new:
                    yield node, _moved(self.record.values[data], new[data], self.calls[node].into)
                continue
            result = self._again(node, new)
            if result is not None and not _same(result, self.record.values[node]):
                new[node] = result

    def _again(self, node: fx.Node, new: dict[fx.Node, Any]) -> Any:
        values, name = self.record.values, kind(node)
        if name in _NORMS:
            data, old = node.args[0], values[node]
            shift = new.get(data, values[data]) - values[data]
            return (old[0] + shift, *old[1:]) if isinstance(old, tuple) else old + shift
        only = node.args[2] if name in _ATTENTION else None

        def look(n: fx.Node) -> Any:
            if (node, n) in self.blocked or (only is not None and n is not only):
                return values[n]
            return new.get(n, values[n])

        return called(node, look)


def disturbed(
    known: torch.Tensor, axis: int, channels: Sequence[int], seed: int
) -> Iterator[torch.Tensor]:
    """The value with some channels changed: far up, far down, by noise, by a little."""
    generator = torch.Generator().manual_seed(seed)
    index = torch.as_tensor(channels)
    size = known.abs().max() + 0.1
    for sign, scale in KINDS:
        changed = known.clone()
        part = changed.index_select(axis, index)
        noise = torch.randn(part.shape, generator=generator, dtype=part.dtype)
        shift = noise * scale + sign * (scale + noise.abs())
        yield changed.index_copy_(axis % known.ndim, index, part + shift * size)


def region(record: Recording, calls: dict[fx.Node, Call], start: fx.Node) -> list[fx.Node]:
    """What depends on a node without passing a weighted call or a statistic, in order."""
    dirty, found = {start}, []
    after = record.order[record.order.index(start) + 1 :]
    for node in after:
        if any(n in dirty for n in node.all_input_nodes):
            found.append(node)
            if node not in calls and not _frozen(node):
                dirty.add(node)
    return [n for n in found if n in calls or n in dirty]


def _frozen(node: fx.Node) -> bool:
    if kind(node) in _FROZEN:
        return True
    if (
        kind(node) != "mean" or not node.users
    ):  # what is only subtracted from what it is the mean of
        return False
    return all(kind(u) == "sub" and node.args[0] in u.args for u in node.users)


def _moved(old: torch.Tensor, new: torch.Tensor, axis: int) -> torch.Tensor:
    if not old.is_floating_point():
        return torch.zeros(old.shape[axis], dtype=torch.bool)
    close = torch.isclose(new, old, rtol=1e-9, atol=1e-9, equal_nan=True)
    return (~close).movedim(axis, 0).flatten(1).any(1)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        if not a.is_floating_point():
            return True  # routing and masks keep what was recorded
        return a.shape == b.shape and torch.allclose(a, b, rtol=1e-11, atol=1e-13, equal_nan=True)
    if isinstance(a, (list, tuple)):
        return all(map(_same, a, b))
    return True
