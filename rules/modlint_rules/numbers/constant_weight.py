"""NUM007: layers whose units cannot be told apart."""

from __future__ import annotations

from modlint.analysis.rows import TensorRows
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.rule import Examination, Options
from modlint.targets import of_tensor
from modlint.verdict import Verdict
from modlint_rules.base.layer_weights import LayerWeightRule
from modlint_rules.numbers import CONSTANT_WEIGHT

_STATISTICS, _ROWS = TensorStatistics(), TensorRows()


class ConstantWeight(LayerWeightRule[Options], reference=CONSTANT_WEIGHT):
    """One value everywhere, or one row everywhere."""

    analyses = (_STATISTICS, _ROWS)
    sound = "none of one value or of equal rows"
    advice = "look whether training reached the layer, or whether a conversion filled it"

    def accepts(self, tensor: Tensor) -> bool:
        """All but kernels of one channel each: a box filter is as it should be."""
        return super().accepts(tensor) and not (len(tensor.shape) > 2 and tensor.shape[1] == 1)

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where all elements, or all rows of a matrix, are equal and not zero."""
        statistics = file.result(_STATISTICS, tensor)
        if statistics.maximum is None:
            raise Unavailable("none of its elements is finite")
        if statistics.non_finite or statistics.zeros == statistics.elements:
            return None
        if statistics.minimum == statistics.maximum:
            return self._found(
                tensor,
                f"all of its {statistics.elements:,} elements are {statistics.maximum:.6g}",
                {"value": statistics.maximum},
            )
        if len(tensor.shape) == 2 and tensor.shape[0] > 1 and file.result(_ROWS, tensor).identical:
            rows = tensor.shape[0]
            return self._found(tensor, f"all of its {rows:,} rows are the same", {"rows": rows})
        return None

    def _found(self, tensor: Tensor, message: str, values: dict[str, float]) -> Verdict:
        return self.failed(
            of_tensor(tensor),
            f"{message}: every unit computes the same, one sum of all inputs",
            help=self.advice,
            values=values,
        )
