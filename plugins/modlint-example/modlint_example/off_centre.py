"""EXA001 off-centre: weights that lie to one side of zero."""

from __future__ import annotations

import math
from typing import Annotated

from msgspec import Meta

from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Role, Tensor
from modlint.results.statistics import Statistics
from modlint.rule import Examination, Options
from modlint.scopes import TensorRule
from modlint.targets import of_tensor, whole_file
from modlint.verdict import Verdict
from modlint_example import OFF_CENTRE

_STATISTICS = TensorStatistics()


class OffCentreOptions(Options, frozen=True):
    """Options of EXA001."""

    max_ratio: Annotated[
        float, Meta(gt=0, description="largest |mean| of a tensor, in its standard deviations")
    ] = 1.0


class OffCentre(TensorRule[OffCentreOptions], reference=OFF_CENTRE):
    """Weight matrices whose mean is far from zero compared with their spread."""

    options_type = OffCentreOptions
    analyses = (_STATISTICS,)
    advice = "check that the values are weights and not, say, raw bytes or distances"

    def accepts(self, tensor: Tensor) -> bool:
        """Weights of two or more axes."""
        is_weight = tensor.role is Role.WEIGHT and tensor.dtype.kind == "float"
        return is_weight and len(tensor.shape) >= 2 and tensor.elements > 0

    def judge(self, tensor: Tensor, file: Examination) -> Verdict:
        """A verdict on every matrix, with what was measured."""
        statistics = file.result(_STATISTICS, tensor)
        if statistics.mean is None:
            return self.inconclusive(of_tensor(tensor), "none of its elements is finite")
        ratio = _ratio(statistics)
        return self.decided(
            of_tensor(tensor),
            f"the mean is {ratio:.2f} standard deviations from zero",
            passes=ratio <= self.options.max_ratio,
            help=self.advice,
            values={"ratio": ratio, "mean": statistics.mean, "std": statistics.std},
            limit={"ratio": {"max": self.options.max_ratio}},
        )

    def nothing(self, file: Examination) -> Verdict:
        """A file without any such weight."""
        return self.not_applicable(whole_file(file.checkpoint), "no weight of two or more axes")


def _ratio(statistics: Statistics) -> float:
    """|mean| over the spread: infinite where all elements are one number, 0 where that is 0."""
    if not statistics.mean:
        return 0.0
    return abs(statistics.mean) / statistics.std if statistics.std else math.inf
