"""NUM008: buffers of indices that a cast or an average broke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modlint.analysis.base import Analysis
from modlint.analysis.index_buffers import IndexValues
from modlint.checkpoint import Role, Tensor
from modlint.results.index_buffers import IndexBuffer
from modlint.rule import Examination, Options
from modlint.scopes import TensorRule
from modlint.targets import of_tensor
from modlint.verdict import Severity, Verdict
from modlint_rules.numbers import BROKEN_INDEX_BUFFER

_VALUES = IndexValues()
_TABLES: Mapping[str, tuple[str, ...]] = {
    "position_ids": (
        "position_embedding.weight",
        "position_embeddings.weight",
        "embed_positions.weight",
    ),
    "token_type_ids": ("token_type_embeddings.weight",),
    "relative_position_index": ("relative_position_bias_table",),
    "attention_bias_idxs": (),
    "rel_pos_index": ("rel_pos_bias_table",),
}
"""By the buffer's name, what stands beside it that its elements are rows of."""
_ORDERED = "position_ids"
_HALF = 16


class BrokenIndexBuffer(TensorRule[Options], reference=BROKEN_INDEX_BUFFER):
    """Positions, kinds and relative positions that an embedding is looked up by."""

    kind = "buffer of indices"
    sound = "whole numbers in order and in range"
    advice = "build the buffer anew (torch.arange for positions), or leave it out of the file"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """What each such buffer holds."""
        return (_VALUES,)

    def accepts(self, tensor: Tensor) -> bool:
        """Buffers by their names, in types of numbers."""
        numbers = tensor.dtype.kind in ("float", "int", "uint") and tensor.dtype.bits >= 8
        model = tensor.role is Role.WEIGHT and tensor.elements > 0
        return _last(tensor) in _TABLES and numbers and model

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where the elements are not what they must be, or not of a type of integers."""
        found = file.result(_VALUES, tensor)
        floating = tensor.dtype.kind == "float"
        wrong = _wrong(tensor, found, _rows(tensor, file))
        if wrong is None and not floating:
            return None
        kept = wrong is None and tensor.dtype.bits > _HALF
        wrong = wrong or "the numbers are still right, but an embedding takes integers only"
        return self.failed(
            of_tensor(tensor),
            f"{found.elements:,} indices in {tensor.dtype.name}: {wrong}",
            help=self.advice,
            values={
                "type": tensor.dtype.name,
                "fractional": found.fractional,
                "minimum": found.minimum,
                "maximum": found.maximum,
                "different": found.different,
            },
            severity=Severity.WARNING if kept else None,
        )


def _last(tensor: Tensor) -> str:
    return tensor.key.rpartition(".")[2]


def _wrong(tensor: Tensor, found: IndexBuffer, rows: int | None) -> str | None:
    """What is wrong with the elements, None where nothing is."""
    if found.fractional:
        return f"{found.fractional:,} are not whole, and are truncated to an earlier index"
    if found.minimum < 0 or (rows is not None and found.maximum >= rows):
        of = "" if rows is None else f" of {rows:,} rows"
        return f"they run from {found.minimum:,.0f} to {found.maximum:,.0f}, out of the table{of}"
    if _last(tensor) == _ORDERED and found.out_of_step is not None:
        return (
            f"{found.different:,} different ones, which do not count up from element"
            f" {found.out_of_step:,} on: several positions share an embedding"
        )
    gaps = found.maximum - found.minimum + 1 - found.different
    if tensor.dtype.kind == "float" and _last(tensor) != "token_type_ids" and gaps > 0:
        return f"{gaps:,.0f} of the numbers up to {found.maximum:,.0f} are missing: it was rounded"
    return None


def _rows(tensor: Tensor, file: Examination) -> int | None:
    """Rows of the table that stands beside it, None where there is none."""
    last = _last(tensor)
    module = tensor.name.removesuffix(last)
    for name in _TABLES[last]:
        table = file.checkpoint.tensors.get(module + name)
        if table is not None and len(table.shape) == 2:
            return table.shape[0]
    return None
