"""Writes the page of a report, and of two checkpoints side by side."""

from __future__ import annotations

from typing import TextIO

from modlint.difference import Difference
from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Persona, Severity
from modlint_plugins.reporters.html.difference import DifferenceView
from modlint_plugins.reporters.html.page import rendered
from modlint_plugins.reporters.html.views import Views
from modlint_plugins.reporters.wording import exit_meaning


def write(report: Report, output: TextIO, shown: Shown) -> None:
    """Write the page of a report.

    Raises:
        UsageError: jinja2 or markdown-it-py is not installed.
    """
    page = rendered(
        "report.html.j2",
        views=Views(report, shown),
        report=report,
        shown=shown,
        meaning=exit_meaning(report, shown) or "nothing was found",
        severities=[*reversed(Severity)],
        personas=[*Persona],
    )
    output.write(page)


def write_difference(difference: Difference, output: TextIO) -> None:
    """Write the page of two checkpoints.

    Raises:
        UsageError: jinja2 is not installed.
    """
    output.write(rendered("difference.html.j2", view=DifferenceView(difference), d=difference))
