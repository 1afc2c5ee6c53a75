"""All-zero rows and columns of a weight: what can be said of dead units without a network."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from modlint.checkpoint import Role, Tensor
from modlint.results.statistics import Statistics

_WEIGHTS = ("weight", "kernel")
_NO_UNITS = ("emb", "wte", "wpe", "pos", "lora_", "relative", "lm_head", "mask", "stft")


class DeadSlices(Struct, frozen=True):
    """A weight's slices that are all zero.

    Attributes:
        rows: indices along the first axis.
        columns: indices along the second axis; () where the axis has one entry.
        total: number of rows and columns.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    total: int

    @property
    def share(self) -> float:
        """Share of the rows and columns that are all zero."""
        return (len(self.rows) + len(self.columns)) / self.total

    @property
    def values(self) -> dict[str, Any]:
        """What a verdict reports of them."""
        return {
            "dead": len(self.rows) + len(self.columns),
            "total": self.total,
            "share": self.share,
            "indices": self.rows,
            "columns": self.columns,
        }


def dead_slices(tensor: Tensor, statistics: Statistics) -> DeadSlices | None:
    """A weight matrix's or kernel's all-zero slices; None where a zero slice is no dead unit.

    Embeddings hold padding and unused rows, adapters start at zero, a recurrent layer's rows are
    gates that have a second input, and one-dimensional tensors have no units in and out.
    """
    if not is_matrix(tensor) or not _is_layer_weight(tensor.name.lower()):
        return None
    rows, columns = statistics.zero_rows, statistics.zero_columns
    return DeadSlices(
        rows, columns if tensor.shape[1] > 1 else (), sum(n for n in tensor.shape[:2] if n > 1)
    )


def is_matrix(tensor: Tensor) -> bool:
    """Whether it could be the weight of a layer with several units: a matrix or a kernel."""
    return (
        tensor.role is Role.WEIGHT
        and tensor.dtype.kind == "float"
        and len(tensor.shape) >= 2
        and tensor.shape[0] >= 2
        and tensor.elements > 0
    )


def _is_layer_weight(name: str) -> bool:
    return name.rpartition(".")[2] in _WEIGHTS and not any(hint in name for hint in _NO_UNITS)
