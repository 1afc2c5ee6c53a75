"""STG002: quantised codes whose low bits were written over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from modlint.analysis.base import Analysis
from modlint.analysis.code_steps import QuantisedSteps, TensorBytes
from modlint.results.code_steps import CodeSteps
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.steganalysis import LOW_BIT_PAYLOAD

_STEPS = QuantisedSteps()


class LowBitPayloadOptions(Options, frozen=True):
    """Options of STG002."""

    min_slope: Annotated[
        float,
        Meta(
            description="step between the halves of a cell of codes, over what the cells around"
            " foretell, that healthy codes have",
            gt=0,
            lt=0.7,
        ),
    ] = 0.35
    min_deviations: Annotated[
        float,
        Meta(description="standard errors by which the step must lie below 0.7", gt=0),
    ] = 5.0


class LowBitPayload(FileRule[LowBitPayloadOptions], reference=LOW_BIT_PAYLOAD):
    """Codes of four or eight bits that are spread evenly where a quantiser's are not."""

    options_type = LowBitPayloadOptions
    advice = (
        "find out where the file comes from, and compare it with the publisher's (--baseline-model"
        " and STG003 tell which bits differ), or quantise the weights anew"
    )

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """How the numbers of neighbouring codes differ, which their bytes tell."""
        return (_STEPS, TensorBytes())

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """A finding for each weight, else for all together, else what was measured."""
        found = file.result(_STEPS, file.checkpoint)
        weights = [steps for steps in found if steps.weight]
        findings = [s for s in weights if self._bits(s)]
        findings = findings or [s for s in found if not s.weight and self._bits(s)]
        yield from (self._finding(steps, file) for steps in findings)
        if not findings:
            yield self._quiet(found, len(weights), file)

    def _bits(self, steps: CodeSteps) -> int:
        return steps.written(self.options.min_slope, self.options.min_deviations)

    def _finding(self, steps: CodeSteps, file: Examination) -> Verdict:
        bits = self._bits(steps)
        step = steps.steps[bits - 1]
        told = "" if step is None else f" (slope {step.slope:.2f} ± {step.error:.2f}, else near 1)"
        target = Target("tensor", steps.tensor) if steps.tensor else whole_file(file.checkpoint)
        return self.failed(
            target,
            f"{steps.elements:,} codes of {steps.bits} bits are spread evenly in cells of"
            f" {1 << bits} neighbours{told}: so it is where {count(bits, 'low bit')} of each were"
            " written over with a payload, and not after quantisation",
            help=self.advice,
            values={
                "bits": bits,
                "slope": None if step is None else step.slope,
                "error": None if step is None else step.error,
                "elements": steps.elements,
            },
            limit={"slope": {"min": self.options.min_slope}},
        )

    def _quiet(self, found: tuple[CodeSteps, ...], weights: int, file: Examination) -> Verdict:
        """What is said where nothing was found, of all codes together."""
        target = whole_file(file.checkpoint)
        if not found:
            reason = "the file holds no weight in codes of four or eight bits"
            return self.not_applicable(target, reason)
        steps = [s.steps[0] for s in found if not s.weight and s.steps[0] is not None]
        slopes = [s.slope for s in steps if s is not None]
        if not slopes:
            reason = "its codes are too few, or too evenly spread, to tell"
            return self.not_applicable(target, reason)
        return self.passed(
            target,
            f"{count(weights, 'quantised weight')}, in none are neighbouring codes spread evenly",
            values={"weights": weights, "slope": min(slopes)},
        )
