"""NUM004: weights of few values, stored as floats."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec

from modlint.analysis.base import Analysis
from modlint.analysis.bits import TensorBits
from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.rows import MAX_VARIATION, TensorRows
from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.thresholds import ThresholdOrder, Thresholds
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.rows import Rows
from modlint.rule import Examination, Options
from modlint.targets import of_tensor
from modlint.text import count, file_size
from modlint.verdict import Outcome, Severity, Target, Verdict
from modlint_rules.base.layer_weights import LayerWeightRule
from modlint_rules.numbers import FEW_DISTINCT_VALUES

_STATISTICS, _BITS, _THRESHOLDS = TensorStatistics(), TensorBits(), ThresholdOrder()
_TIMES = 4
"""Elements that are not zero for each value: fewer make no distribution."""
_OUTLYING = 5.0


class FewDistinctValuesOptions(Options, frozen=True):
    """What counts as few values."""

    max_values: Annotated[
        int, msgspec.Meta(description="different values that are few", ge=2, le=16)
    ] = 16
    max_variation: Annotated[
        float,
        msgspec.Meta(
            description="standard deviation of the magnitudes in a row, relative to their mean, up"
            " to which the row has one magnitude",
            ge=0,
            le=0.1,
        ),
    ] = MAX_VARIATION
    min_columns: Annotated[
        int, msgspec.Meta(description="elements of a row that is judged by its magnitudes", ge=2)
    ] = 8


class FewDistinctValues(LayerWeightRule[FewDistinctValuesOptions], reference=FEW_DISTINCT_VALUES):
    """Binarised, ternary and coarsely quantised weights in a type of floats."""

    options_type = FewDistinctValuesOptions
    weights: ClassVar[LayerWeights] = LayerWeights(MIN_STATISTICAL)
    analyses = (_STATISTICS, _BITS)
    sound = "none of few values"
    advice = "store codes and their scale, or look why training left so few values"

    @property
    def _rows(self) -> TensorRows:
        return TensorRows(self.options.max_variation)

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Different values, magnitudes by row, and thresholds."""
        return (*super().needs(), self._rows, _THRESHOLDS)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Each layer weight, and each tensor of thresholds."""
        unsorted = [t for t in file.result(_THRESHOLDS, file.checkpoint) if t.unsorted]
        for verdict in super().check(file):
            if verdict.outcome is not Outcome.PASS or not unsorted:
                yield verdict
        for thresholds in unsorted:
            yield self._out_of_order(thresholds)

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where values are few, or a row has one magnitude."""
        statistics = file.result(_STATISTICS, tensor)
        if statistics.maximum is None:
            raise Unavailable("none of its elements is finite")
        if statistics.minimum == statistics.maximum:
            return None
        values, some = file.result(_BITS, tensor).values, statistics.elements - statistics.zeros
        if values <= self.options.max_values and some >= _TIMES * values:
            bits = max(1, math.ceil(math.log2(values)))
            return self._few(tensor, f"only {values} different values", bits, {"values": values})
        rows = file.result(self._rows, tensor)
        if tensor.elements // rows.rows < self.options.min_columns or rows.even <= rows.uneven:
            return None
        message = f"one magnitude in each of {rows.even:,} of {rows.even + rows.uneven:,} rows"
        told = {"even": rows.even, "uneven": rows.uneven, "scale": rows.scale}
        return self._few(tensor, message + _wrong_scale(rows), 1, told)

    def _few(self, tensor: Tensor, what: str, bits: int, values: dict[str, Any]) -> Verdict:
        """The finding, with the bytes that codes of so many bits would save."""
        saved = tensor.nbytes - math.ceil(tensor.elements * bits / 8)
        return self.failed(
            of_tensor(tensor),
            f"{what}, in {tensor.elements:,} elements of {tensor.dtype.name}: as codes of"
            f" {count(bits, 'bit')} they would take {file_size(saved)} less",
            help=self.advice,
            values={**values, "nbytes": saved},
            limit={"values": {"min": self.options.max_values + 1}} if "values" in values else {},
        )

    def _out_of_order(self, thresholds: Thresholds) -> Verdict:
        return self.failed(
            Target("tensor", thresholds.name),
            f"the thresholds of {len(thresholds.unsorted):,} of {thresholds.channels:,} channels do"
            f" not ascend, the first of channel {thresholds.unsorted[0]}: hardware that searches"
            " them by halves takes another level",
            help="sort each row, or export the model again",
            values={"unsorted": len(thresholds.unsorted), "channels": thresholds.channels},
            limit={"unsorted": {"max": 0}},
            severity=Severity.NOTE,
        )


def _wrong_scale(rows: Rows) -> str:
    """What is said of rows that do not fit the others."""
    said = f", {rows.uneven:,} rows hold several" if rows.uneven else ""
    if rows.even > 1 and not (
        rows.scale / _OUTLYING <= rows.smallest and rows.largest <= rows.scale * _OUTLYING
    ):
        said += (
            f", and the scale of row {rows.outlying} is far from the median of {rows.scale:.3g}"
            f" (they run from {rows.smallest:.3g} to {rows.largest:.3g})"
        )
    return said
