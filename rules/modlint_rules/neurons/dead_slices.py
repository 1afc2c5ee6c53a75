"""All-zero rows and columns of a weight: what can be said of dead units without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from modlint.analysis.weight_names import is_weight_name
from modlint.checkpoint import Role, Tensor
from modlint.results.statistics import Statistics
from modlint.text import count

_WEIGHTS = ("weight", "kernel")
_NO_UNITS = ("emb", "wte", "wpe", "pos", "lora_", "relative", "lm_head", "mask", "stft", "shared")
_PADDING = ((0,), (1,))
"""Zero rows of an embedding, however it is called: `padding_idx` is mostly 0 or 1."""
_TABLE = 100
"""Rows from which a matrix may be one."""


class DeadSlices(Struct, frozen=True):
    """A weight's slices that are all zero.

    Attributes:
        shape: number of rows and of columns.
        rows: indices along the first axis: units that nothing drives.
        columns: indices along the second axis: units that this weight does not read; () where the
            axis has one entry.
    """

    shape: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def share(self) -> float:
        """Share of the rows, or of the columns, that are all zero: the larger of the two."""
        dead, total = self._worse
        return dead / total

    @property
    def whole(self) -> bool:
        """Whether every element is zero."""
        return len(self.rows) == self.shape[0]

    @property
    def values(self) -> dict[str, Any]:
        """What a verdict reports of them."""
        dead, total = self._worse
        return {
            "dead": dead,
            "total": total,
            "share": self.share,
            "indices": self.rows,
            "columns": self.columns,
        }

    @property
    def message(self) -> str:
        """How many there are of how many."""
        if self.whole:
            return f"every element is zero, in all of {count(self.shape[0], 'row')}"
        sides = zip(("row", "column"), (self.rows, self.columns), self.shape, strict=True)
        told = [
            f"{len(dead):,} of {count(total, side)} all zero ({len(dead) / total:.1%})"
            for side, dead, total in sides
            if dead
        ]
        return ", ".join(told)

    @property
    def _worse(self) -> tuple[int, int]:
        """How many of how many on the side of the larger share."""
        sides = zip((self.rows, self.columns), self.shape, strict=True)
        return max(
            ((len(dead), total) for dead, total in sides), key=lambda side: side[0] / side[1]
        )


def dead_slices(tensor: Tensor, statistics: Statistics) -> DeadSlices | None:
    """A weight matrix's or kernel's all-zero slices; None where a zero slice is no dead unit.

    Embeddings hold padding and unused rows, adapters start at zero, a recurrent layer's rows are
    gates that have a second input, and one-dimensional tensors have no units in and out.
    """
    if not is_matrix(tensor) or not _is_layer_weight(tensor.name.lower()):
        return None
    rows, columns = statistics.zero_rows, statistics.zero_columns
    if rows in _PADDING and len(tensor.shape) == 2 and tensor.shape[0] >= _TABLE:
        rows = ()
    out, into = tensor.shape[:2]
    return DeadSlices((out, into), rows, columns if into > 1 else ())


def told_once(found: Iterable[tuple[Tensor, DeadSlices]]) -> Iterator[tuple[str, DeadSlices]]:
    """By tensor's name, its dead slices but for those that another weight tells already.

    A tied weight is one weight. Units that nothing drives, rows of one weight, are columns of the
    weight that reads them where both were set to zero.
    """
    weights = {_place(tensor): (tensor, slices) for tensor, slices in reversed(list(found))}
    kept = list(reversed(weights.values()))
    driven = {(tensor.section, slices.shape[0], slices.rows) for tensor, slices in kept}
    for tensor, slices in kept:
        columns = slices.columns
        known = (tensor.section, slices.shape[1], columns) in driven and not slices.whole
        yield tensor.name, replace(slices, columns=()) if known else slices


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.storage, tensor.storage_offset, tensor.shape, tensor.strides


def is_matrix(tensor: Tensor) -> bool:
    """Whether it could be the weight of a layer with several units: a matrix or a kernel."""
    return (
        tensor.role is Role.WEIGHT
        and tensor.dtype.kind == "float"
        and len(tensor.shape) >= 2
        and tensor.shape[0] >= 2
        and tensor.elements > 0
    )


def may_hold_units(tensor: Tensor) -> bool:
    """Whether it could be a layer's weight whose units nothing tells: no factor, table or scale."""
    plain = is_matrix(tensor) and is_weight_name(tensor.key)
    return plain and not any(hint in tensor.name.lower() for hint in _NO_UNITS)


def _is_layer_weight(name: str) -> bool:
    return name.rpartition(".")[2] in _WEIGHTS and not any(hint in name for hint in _NO_UNITS)
