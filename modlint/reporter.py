"""What a reporter is: it writes a report in one output format."""

from __future__ import annotations

from typing import Protocol, TextIO

from msgspec import Struct

from modlint.report import Report
from modlint.verdict import Confidence, Severity, Verdict


class Shown(Struct, frozen=True):
    """Which findings a report shows; what fails the run is another matter (`--fail-on`)."""

    min_severity: Severity = Severity.NOTE
    min_confidence: Confidence = Confidence.LOW

    def __contains__(self, verdict: Verdict) -> bool:
        return (
            verdict.severity.rank >= self.min_severity.rank
            and verdict.confidence.rank >= self.min_confidence.rank
        )


class Reporter(Protocol):
    """One output format.

    Attributes:
        name: the value of `--output-format`.
        description: one line for `modlint plugins`.
    """

    name: str
    description: str

    def write(self, report: Report, output: TextIO, shown: Shown) -> None:
        """Write the whole report to `output`; JSON holds everything, whatever is `shown`."""
        ...
