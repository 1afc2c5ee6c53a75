"""TRN002: running statistics of batch norms that cannot be, or that no batch has touched."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.batch_norms import BatchNorm, BatchNorms
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.statistics import Statistics
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.training import BATCH_NORM_STATISTICS

_NORMS = BatchNorms()
_STATISTICS = TensorStatistics()
_IMPOSSIBLE = (
    "the layer divides by its root, and gives NaN: take the statistics from an earlier checkpoint,"
    " or estimate them again in training mode on some batches"
)


class BatchNormStatistics(FileRule[Options], reference=BATCH_NORM_STATISTICS):
    """Variances below zero, and statistics that are still 0 and 1 in a layer that was trained."""

    of_tensors = True
    advice = (
        "save the whole state_dict, buffers included (an average of parameters needs them as well),"
        " or estimate the statistics again in training mode on some batches"
    )

    def needs(self) -> tuple[Need, ...]:
        """The batch norms, and statistics of their tensors."""
        return (_NORMS, _STATISTICS)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each batch norm, or what was looked at."""
        norms = [n for n in file.result(_NORMS, file.checkpoint) if n.variance is not None]
        found, unread = list[Verdict](), ""
        for norm in norms:
            try:
                found += self._norm(norm, file)
            except Unavailable as unavailable:
                unread = str(unavailable)
        yield from found
        target = whole_file(file.checkpoint)
        if not norms:
            yield self.not_applicable(target, "the file holds no batch norm's statistics")
        elif unread and not found:
            yield self.inconclusive(target, unread)
        elif not found:
            message = f"{count(len(norms), 'batch norm')}, statistics of each are possible and used"
            yield self.passed(target, message, values={"norms": len(norms)})

    def _norm(self, norm: BatchNorm, file: Examination) -> Iterator[Verdict]:
        tensors = file.checkpoint.tensors
        tensor = tensors[norm.variance or ""]
        variance = file.result(_STATISTICS, tensor)
        if variance.non_finite or (variance.minimum or 0.0) < 0:
            yield self._impossible(tensor, variance)
        elif norm.mean is not None and _is(file.result(_STATISTICS, tensors[norm.mean]), 0.0):
            evidence = self._trained(norm, file) if _is(variance, 1.0) else None
            if evidence:
                yield self.failed(
                    of_tensor(tensor),
                    f"mean 0 and variance 1 in all of {count(variance.elements, 'channel')}, as"
                    f" before the first batch, while {evidence}: in evaluation the layer does not"
                    " normalise what it was trained on",
                    help=self.advice,
                    values={"channels": variance.elements, "evidence": evidence},
                )

    def _impossible(self, tensor: Tensor, variance: Statistics) -> Verdict:
        lowest = variance.minimum
        what = (
            f"{count(variance.non_finite, 'channel')} of {variance.elements:,} not finite"
            if variance.non_finite
            else f"the smallest variance is {lowest:.4g}, and none can be below 0"
        )
        return self.failed(
            of_tensor(tensor),
            f"running variance: {what}",
            help=_IMPOSSIBLE,
            values={"smallest": lowest, "non_finite": variance.non_finite},
            limit={"smallest": {"min": 0.0}, "non_finite": {"max": 0}},
            severity=Severity.ERROR,
        )

    def _trained(self, norm: BatchNorm, file: Examination) -> str | None:
        """What shows that batches went through the layer; None where nothing does."""
        scale, shift, batches = (
            file.result(_STATISTICS, file.checkpoint.tensors[name]) if name else None
            for name in (norm.scale, norm.shift, norm.batches)
        )
        if batches is not None and (batches.maximum or 0) > 0:
            return f"{batches.maximum:,.0f} batches were tracked"
        if scale is not None and _varies(scale):
            drawn = shift is not None and not _varies(shift) and _as_drawn(scale)
            return None if drawn else "its scale γ differs between channels"
        if scale is None and shift is not None and _varies(shift):
            return "its shift β differs between channels"
        return None


def _is(statistics: Statistics, value: float) -> bool:
    some = statistics.elements > 0 and not statistics.non_finite
    return some and statistics.minimum == statistics.maximum == value


def _varies(statistics: Statistics) -> bool:
    return statistics.minimum != statistics.maximum


def _as_drawn(scale: Statistics) -> bool:
    """Whether γ is as GANs draw it: normal about 1 with deviation 0.02 (arXiv 1511.06434)."""
    return abs((scale.mean or 0.0) - 1) < 0.03 and 0.005 < (scale.std or 0.0) < 0.04
