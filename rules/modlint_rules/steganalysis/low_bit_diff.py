"""STG003: a tensor that differs from the reference's in its low bits alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from modlint.analysis.base import Analysis, Pair
from modlint.analysis.comparing import TensorDrift
from modlint.checkpoint import Tensor
from modlint.comparison import tensor_pairs
from modlint.errors import Unavailable
from modlint.results.drift import CROSSINGS, Drift
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.steganalysis import LOW_BIT_DIFF

_DRIFT = TensorDrift()


class LowBitOptions(Options, frozen=True):
    """Options of STG003."""

    min_crossings: Annotated[
        int,
        Meta(
            ge=1,
            description="differences above the low bits that added steps would have left,"
            " of which there is none",
        ),
    ] = CROSSINGS


class LowBitDiff(FileRule[LowBitOptions], reference=LOW_BIT_DIFF):
    """Bits that were written over, where a training would have carried into higher ones."""

    options_type = LowBitOptions
    needs_reference = True
    of_tensors = True
    advice = (
        "find out what wrote these bits: replace the tensor by the reference's, or round the low"
        " bits away, which changes no prediction and destroys what may be hidden there"
    )

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """How each tensor differs from its counterpart."""
        return (_DRIFT,)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """A finding for each tensor, or what was compared."""
        reference = file.reference
        if reference is None:
            raise Unavailable("no checkpoint to compare with: give --baseline-model")
        examined, unread, found = 0, "", 0
        for new, old in tensor_pairs(file.checkpoint, reference.checkpoint):
            try:
                drift = file.result(_DRIFT, Pair(new, old))
            except Unavailable as unavailable:
                unread = unread or str(unavailable)
                continue
            examined += 1
            verdict = self._judged(new, drift)
            if verdict is not None:
                found += 1
                yield verdict
        if not found:
            yield self._quiet(file, examined, unread)

    def _judged(self, tensor: Tensor, drift: Drift) -> Verdict | None:
        """A finding where no difference reaches past the low bits, though some should have."""
        low = drift.low_bits
        if low is None or not low.written(self.options.min_crossings):
            return None
        share = drift.changed / drift.elements
        return self.failed(
            of_tensor(tensor),
            f"{drift.changed:,} of {count(drift.elements, 'element')} ({share:.0%}) differ from "
            f"the reference in the low {count(low.bits, 'bit')} and in no other: values that were "
            f"trained or rounded would differ above them in about {low.crossings:,}",
            help=self.advice,
            values={
                "bits": low.bits,
                "changed": drift.changed,
                "crossings": low.crossings,
                "relative_drift": drift.relative,
            },
            limit={"crossings": {"max": self.options.min_crossings}},
        )

    def _quiet(self, file: Examination, examined: int, unread: str) -> Verdict:
        """What is said where nothing was found."""
        target = whole_file(file.checkpoint)
        if not examined:
            message = unread or "no tensor has a counterpart of its name and shape in the reference"
            return self.inconclusive(target, message)
        message = f"{count(examined, 'tensor')}, none differs from the reference in low bits alone"
        return self.passed(target, message, values={"tensors": examined})
