"""The output format `counts`: one line per file."""

from __future__ import annotations

from typing import TextIO

from msgspec.structs import replace

from modlint.report import FileReport, Report, Summary
from modlint.reporter import Shown
from modlint.text import printable
from modlint.verdict import Outcome

_COUNTED = ("error", "warning", "note", "inconclusive", "passed")


class Counts:
    """How many verdicts of each sort a file has; of the findings, those to be shown."""

    name = "counts"
    description = "one line per file: how many verdicts of each sort"

    def write(self, report: Report, output: TextIO, shown: Shown) -> None:
        """Write one line per file."""
        for file in report.files:
            output.write(f"{printable(file.path)}: {_count(file, shown)}\n")


def _count(file: FileReport, shown: Shown) -> str:
    counted = tuple(v for v in file.verdicts if v.outcome is not Outcome.FAIL or v in shown)
    summary = Summary.of((replace(file, verdicts=counted),))
    return ", ".join(f"{getattr(summary, sort)} {sort}" for sort in _COUNTED)
