"""EXA001 off-centre: weights that lie to one side of zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Role, Tensor
from modlint.results.statistics import Statistics
from modlint.rule import Examination, Need, Options, Rule
from modlint.verdict import Confidence, Severity, Target, Verdict


class OffCentreOptions(Options, frozen=True):
    """Options of EXA001."""

    max_ratio: Annotated[
        float, Meta(gt=0, description="largest |mean| of a tensor, in its standard deviations")
    ] = 1.0


class OffCentre(Rule[OffCentreOptions]):
    """Weight matrices whose mean is far from zero compared with their spread."""

    code = "EXA001"
    name = "off-centre"
    summary = "weights lie to one side of zero"
    severity = Severity.NOTE
    confidence = Confidence.MEDIUM
    source = "Glorot and Bengio, AISTATS 2010: initial weights have mean zero"
    options_type = OffCentreOptions

    def needs(self) -> tuple[Need, ...]:
        """The statistics of each tensor."""
        return (TensorStatistics(),)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge every weight of two or more axes."""
        for tensor, statistics in file.results(TensorStatistics()):
            if _is_matrix(tensor) and statistics.std:
                yield self._judge(tensor, statistics)

    def _judge(self, tensor: Tensor, statistics: Statistics) -> Verdict:
        ratio = abs(statistics.mean or 0.0) / (statistics.std or 1.0)
        target = Target("tensor", tensor.name)
        message = f"the mean is {ratio:.2f} standard deviations from zero"
        values = {"ratio": ratio, "mean": statistics.mean, "std": statistics.std}
        limit = {"ratio": {"max": self.options.max_ratio}}
        if ratio <= self.options.max_ratio:
            return self.passed(target, message, values=values, limit=limit)
        return self.failed(
            target,
            message,
            help="check that the values are weights and not, say, raw bytes or distances",
            values=values,
            limit=limit,
        )


def _is_matrix(tensor: Tensor) -> bool:
    return tensor.role is Role.WEIGHT and tensor.dtype.kind == "float" and len(tensor.shape) >= 2
