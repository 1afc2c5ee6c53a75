"""`full`: the report for people, drawn with rich, which is imported when it is written."""

from __future__ import annotations

from typing import TextIO

from modlint.report import Report
from modlint.reporter import Shown


class FullReporter:
    """Per file what it is, what was measured, what was found and what to do; then the counts."""

    name = "full"
    description = "the whole story for people: measurements, findings, what to do"
    portrays = True

    def write(self, report: Report, output: TextIO, shown: Shown) -> None:
        """Write the report at the width of `output`, in colour where it takes colour."""
        from modlint_plugins.reporters.full.document import write_document

        write_document(report, output, shown)
