"""What a report says, as text for a log or a failed test."""

from __future__ import annotations

import io

from modlint.engine.registry import load_registry
from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Confidence, Persona, Severity


def as_text(report: Report) -> str:
    """The report as the command line prints it in the format `concise`, and the run's problems."""
    reporter = load_registry().reporters.get("concise")
    if reporter is None:  # plugins may be turned off
        return repr(report)
    output = io.StringIO()
    reporter.write(report, output, _shown(report))
    return "\n".join((output.getvalue().rstrip("\n"), *report.run.problems))


def _shown(report: Report) -> Shown:
    """What the settings of the run show; what fails it is always shown."""
    settings = report.run.settings
    least = settings["min_severity"]
    if least is None and settings["fail_on"] == "note":
        least = Severity.NOTE
    return Shown(
        min_severity=least and Severity(least),
        min_confidence=Confidence(settings["min_confidence"]),
        persona=Persona(settings["persona"]),
    )
