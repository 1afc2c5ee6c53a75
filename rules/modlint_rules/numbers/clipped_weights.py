"""NUM009: weights that were clipped."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from modlint.analysis.base import Analysis
from modlint.analysis.bits import TensorBits
from modlint.analysis.ends import TensorEnds
from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.bits import MOST_VALUES
from modlint.results.ends import Ends
from modlint.rule import Examination, Options
from modlint.targets import of_tensor
from modlint.verdict import Verdict
from modlint_rules.base.layer_weights import LayerWeightRule
from modlint_rules.numbers import CLIPPED_WEIGHTS

_STATISTICS, _BITS, _ENDS = TensorStatistics(), TensorBits(), TensorEnds()
_MANY = 50_000
"""Elements of which some 20 lie within a hundredth of an end at which 1 % of a normal
distribution were clipped."""


class ClippedWeightsOptions(Options, frozen=True):
    """How many elements at an end are too many."""

    min_share: Annotated[
        float,
        msgspec.Meta(
            description="share of the elements that equal the largest, or the smallest, from which"
            " a weight is a finding",
            gt=0,
            le=1,
        ),
    ] = 0.01


class ClippedWeights(LayerWeightRule[ClippedWeightsOptions], reference=CLIPPED_WEIGHTS):
    """A pile of elements at an end of the range, and nearly none beside it."""

    options_type = ClippedWeightsOptions
    weights: ClassVar[LayerWeights] = LayerWeights(MIN_STATISTICAL)
    analyses = (_STATISTICS, _BITS)
    sound = "none with a pile of elements at an end of its range"
    listed = 5
    advice = "widen the bound if it was meant to stop outliers only; else none is needed"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Counts at the ends, and near them where there are many."""
        return (*super().needs(), _ENDS)

    def accepts(self, tensor: Tensor) -> bool:
        """Types fine enough that equal elements say something."""
        return super().accepts(tensor) and tensor.dtype.bits > 8

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where too many elements lie at an end."""
        statistics, bits = file.result(_STATISTICS, tensor), file.result(_BITS, tensor)
        if statistics.maximum is None:
            raise Unavailable("none of its elements is finite")
        most = max(bits.at_most, bits.at_least) / bits.elements
        if most < self.options.min_share or bits.values < MOST_VALUES or statistics.non_finite:
            return None
        ends = file.result(_ENDS, tensor)
        piles = {} if ends.grid else _piles(ends, self.options.min_share)
        if not piles:
            return None
        told = " and ".join(f"{share:.1%} are {value:.6g}" for value, share in piles.items())
        return self.failed(
            of_tensor(tensor),
            f"of {ends.elements:,} elements {told}, and nearly none lies next to that: the"
            " weight was clipped, and what lay beyond is lost",
            help=self.advice,
            values={"share": max(piles.values()), "low": ends.low, "high": ends.high},
            limit={"share": {"max": self.options.min_share}},
        )


def _piles(ends: Ends, least: float) -> dict[float, float]:
    """The ends, other than 0, where elements pile up, and their shares.

    Where as many lie just inside, the distribution ends there by itself (a tanh); where of many
    elements none does, the end stands for something: a missing value.
    """
    found = {}
    for value, at, near in (
        (ends.low, ends.at_low, ends.near_low),
        (ends.high, ends.at_high, ends.near_high),
    ):
        stands_alone = not near and ends.elements >= _MANY
        if value and at >= least * ends.elements and at > near and not stands_alone:
            found[value] = at / ends.elements
    return found
