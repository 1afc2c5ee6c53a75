"""What a reporter is: it writes a report in one output format."""

from __future__ import annotations

from typing import Protocol, TextIO

from msgspec import Struct

from modlint.report import Report
from modlint.verdict import Confidence, Persona, Severity, Verdict


class Shown(Struct, frozen=True):
    """What a report for people shows; what fails the run is another matter (`--fail-on`).

    Attributes:
        min_severity: least severity of findings that are shown, where the user says so.
        min_confidence: least confidence of them.
        persona: who reads it; what is for those behind is not shown at all.
        verbose: whether what passed, what was not reached and what does not apply is listed too.
        quiet: whether findings are all that is shown.
        statistics: whether counts by rule stand in for the findings.
    """

    min_severity: Severity | None = None
    min_confidence: Confidence = Confidence.LOW
    persona: Persona = Persona.REGULAR
    verbose: bool = False
    quiet: bool = False
    statistics: bool = False

    @property
    def least_in_full(self) -> Severity:
        """Least severity of findings that a report for people shows in full, not as a count."""
        return self.min_severity or Severity.WARNING

    def __contains__(self, verdict: Verdict) -> bool:
        """Whether a finding is shown at all."""
        least = self.min_severity or Severity.NOTE
        return (
            verdict.severity.rank >= least.rank
            and verdict.confidence.rank >= self.min_confidence.rank
            and verdict.persona.rank <= self.persona.rank
        )

    def in_full(self, verdict: Verdict) -> bool:
        """Whether a finding is shown in full."""
        return verdict in self and verdict.severity.rank >= self.least_in_full.rank


class Reporter(Protocol):
    """One output format.

    Where a reporter has a true attribute `portrays`, deep rules that fail nothing run for it within
    the budget: it draws what they measure. Where it has a true attribute `explains`, the catalogue
    of the report holds each rule's page. Where it has a true attribute `draws`, the report of a
    file holds `drawings`. `modlint diff` offers what has a method
    `write_difference(difference, output)`.

    Attributes:
        name: the value of `--output-format`.
        description: one line for `modlint plugins`.
    """

    name: str
    description: str

    def write(self, report: Report, output: TextIO, shown: Shown) -> None:
        """Write the whole report to `output`; JSON holds everything, whatever is `shown`."""
        ...
