"""NUM002: weights for which float16 has no number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from modlint.analysis.base import Analysis
from modlint.analysis.bits import TensorBits
from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.tables import is_cell
from modlint.checkpoint import Role, Tensor
from modlint.errors import Unavailable
from modlint.results.statistics import Statistics
from modlint.rule import Examination, Options
from modlint.scopes import TensorRule
from modlint.targets import of_tensor
from modlint.verdict import Severity, Verdict
from modlint_rules.numbers import OVERFLOWS_HALF

LARGEST = 65504.0
"""Of float16."""

_STATISTICS, _BITS, _WEIGHTS = TensorStatistics(), TensorBits(), LayerWeights()
_NO_PARAMETER = re.compile(r"mask|alibi|(^|\.)_\w+$", re.IGNORECASE)


class OverflowsHalfOptions(Options, frozen=True):
    """What the weights are for, and how many may be too small."""

    target: Annotated[
        Literal["float16"] | None,
        msgspec.Meta(description="the type that the model is to be run in; float16: a warning"),
    ] = None
    max_tiny: Annotated[
        float,
        msgspec.Meta(
            description="share of a layer weight's non-zero elements below 2^-24, the smallest"
            " number of float16, from which it is a finding",
            gt=0,
            le=1,
        ),
    ] = 0.1
    min_elements: Annotated[
        int, msgspec.Meta(description="non-zero elements of a layer weight so judged", ge=1)
    ] = 1000


class OverflowsHalf(TensorRule[OverflowsHalfOptions], reference=OVERFLOWS_HALF):
    """Elements that a cast to float16 makes infinite, or zero."""

    options_type = OverflowsHalfOptions
    analyses = (_STATISTICS,)
    kind = "tensor wider than float16"
    sound = "all within its range"
    listed = 5
    advice = "run it in bfloat16 or float32, or rescale these weights before a cast to float16"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Range and small elements of each tensor, and which are layer weights."""
        return (*self.analyses, _BITS, _WEIGHTS)

    def subjects(self, file: Examination) -> Iterator[Tensor]:
        """Float weights and buffers of a type that holds more than float16, no masks."""
        wide = filter(_is_wide, super().subjects(file))
        return (tensor for tensor in wide if not is_cell(tensor, file.checkpoint))

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where elements are too large, or too many too small."""
        statistics = file.result(_STATISTICS, tensor)
        low, high = statistics.minimum, statistics.maximum
        if low is None or high is None:
            raise Unavailable("none of its elements is finite")
        largest = max(-low, high)
        if largest > LARGEST:
            if high == 0:
                return None  # an additive mask: 0, and what stands for −∞
            return self._found(
                tensor,
                f"elements up to {largest:,.6g} in magnitude, and float16 ends at 65,504: a cast to"
                " it makes them infinite",
                {"largest": largest},
                {"largest": {"max": LARGEST}},
            )
        is_weight = tensor.name in file.result(_WEIGHTS, file.checkpoint)
        return self._small(tensor, statistics, file) if is_weight else None

    def _small(self, tensor: Tensor, statistics: Statistics, file: Examination) -> Verdict | None:
        some = statistics.elements - statistics.zeros - statistics.non_finite
        if some < self.options.min_elements:
            return None
        tiny = file.result(_BITS, tensor).tiny
        share = tiny / some
        if share < self.options.max_tiny:
            return None
        return self._found(
            tensor,
            f"{share:.0%} of {some:,} non-zero elements are below 6e-8, the smallest number of"
            " float16: a cast to it makes them zero, or up to twice as large",
            {"share": share, "tiny": tiny, "non_zero": some},
            {"share": {"max": self.options.max_tiny}},
        )

    def _found(
        self,
        tensor: Tensor,
        message: str,
        values: dict[str, Any],
        limit: dict[str, dict[str, float]],
    ) -> Verdict:
        severity = Severity.WARNING if self.options.target == "float16" else None
        return self.failed(
            of_tensor(tensor),
            message,
            help=self.advice,
            values=values,
            limit=limit,
            severity=severity,
        )


def _is_wide(tensor: Tensor) -> bool:
    """Whether it may be a parameter or a buffer that a cast to float16 would change."""
    wide = tensor.dtype.kind == "float" and tensor.dtype.bits > 8 and tensor.dtype.name != "float16"
    model = tensor.role is Role.WEIGHT and tensor.elements > 1
    return wide and model and _NO_PARAMETER.search(tensor.key) is None
