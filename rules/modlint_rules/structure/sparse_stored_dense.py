"""STR002: most elements of a weight are zero, and all are stored."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.sparsity import SparsityPattern
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.rule import Examination, Need, Options
from modlint.targets import of_tensor
from modlint.text import count, file_size
from modlint.verdict import Verdict
from modlint_rules.base.layer_weights import LayerWeightRule
from modlint_rules.structure import SPARSE_STORED_DENSE

_STATISTICS = TensorStatistics()
_PATTERN = SparsityPattern()
_BEYOND = 0.05
"""Share of zeros beyond what a pattern asks for, above which it is no more than chance."""


class SparseStoredDenseOptions(Options, frozen=True):
    """Options of STR002."""

    min_share: Annotated[
        float, Meta(description="share of zeros from which on it is a finding", gt=0, le=1)
    ] = 0.5


class SparseStoredDense(LayerWeightRule[SparseStoredDenseOptions], reference=SPARSE_STORED_DENSE):
    """Pruned weights that take as much space as before; what is zero throughout is no such."""

    options_type = SparseStoredDenseOptions
    weights = LayerWeights(MIN_STATISTICAL)
    analyses = (_STATISTICS,)
    sound = "none of mostly zeros"
    advice = (
        "store it sparse (a bitmask or an n:m format, as compressed-tensors writes them, or"
        " torch.sparse), remove rows that are zero, or compress the file"
    )

    def needs(self) -> tuple[Need, ...]:
        """Where the zeros are, too."""
        return (*super().needs(), _PATTERN)

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where the share of zeros is at least the limit."""
        statistics = file.result(_STATISTICS, tensor)
        zeros, elements = statistics.zeros, statistics.elements
        if zeros < self.options.min_share * elements or zeros in (0, elements):
            return None
        pattern = file.result(_PATTERN, tensor)
        if pattern is not None and zeros / elements > 1 - pattern[0] / pattern[1] + _BEYOND:
            pattern = None
        saved = max(0, zeros * tensor.dtype.bits // 8 - elements // 8)
        structure = f", in the pattern {pattern[0]}:{pattern[1]}" if pattern else ""
        rows = len(statistics.zero_rows)
        structure += f", {count(rows, 'whole row')} among them" if rows else ""
        return self.failed(
            of_tensor(tensor),
            f"{zeros:,} of {elements:,} elements are zero ({zeros / elements:.1%}{structure}), and"
            f" each is stored: a bitmask in their place would save {file_size(saved)}",
            help=self.advice,
            values={
                "share": zeros / elements,
                "zeros": zeros,
                "zero_rows": rows,
                "pattern": None if pattern is None else f"{pattern[0]}:{pattern[1]}",
                "saved_bytes": saved,
            },
            limit={"share": {"max": self.options.min_share}},
        )
