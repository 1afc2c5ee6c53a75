"""Reporters: from a `Report` to text, one output format each."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct

from modlint import hookimpl
from modlint.report import Report
from modlint.reporter import Reporter, Shown

if TYPE_CHECKING:
    from modlint.difference import Difference


class Deferred(Struct):
    """A reporter whose module is imported when it writes.

    Attributes:
        name: the value of `--output-format`.
        description: one line for `modlint plugins`.
        module: within this package; its `write` does the work.
        portrays: whether it draws what deep rules measure.
        explains: whether it holds the pages of rules.
        draws: whether it draws layers and their weights.
    """

    name: str
    description: str
    module: str
    portrays: bool = False
    explains: bool = False
    draws: bool = False

    def write(self, report: Report, output: TextIO, shown: Shown) -> None:
        """Import the reporter and have it write."""
        importlib.import_module(f"{__name__}.{self.module}").write(report, output, shown)


class DeferredForPairs(Deferred):
    """One that writes two checkpoints side by side too."""

    def write_difference(self, difference: Difference, output: TextIO) -> None:
        """Import the reporter and have it write."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        module.write_difference(difference, output)


REPORTERS = (
    Deferred(
        "full",
        "the whole story for people: measurements, findings, what to do",
        "full.document",
        portrays=True,
    ),
    Deferred("concise", "one line per finding, for editors, hooks and pipes", "concise"),
    Deferred("github", "annotations of a GitHub workflow, and the summary of its job", "github"),
    Deferred("markdown", "a pull-request comment that folds", "markdown"),
    DeferredForPairs(
        "html",
        "a page for browsers, with histograms, networks and the rules' pages",
        "html.document",
        portrays=True,
        explains=True,
        draws=True,
    ),
    Deferred("sarif", "SARIF 2.1.0, for code scanning", "sarif", explains=True),
    Deferred("gitlab", "a GitLab code quality report", "gitlab"),
    Deferred("json", "the whole report for programs, schema modlint-report/1", "json_report"),
    Deferred("junit", "JUnit XML: a suite for each file, a case for each rule", "junit"),
    Deferred("csv", "a row for each verdict, for spreadsheets", "csv_report"),
    Deferred("cyclonedx", "a bill of materials of the models, CycloneDX 1.6", "cyclonedx"),
)
"""For people, for code review, for programs."""


@hookimpl
def modlint_reporters() -> Iterable[Reporter]:
    """The formats for people, for editors and hooks, for code review and for programs."""
    return REPORTERS
