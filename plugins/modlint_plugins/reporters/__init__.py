"""Reporters: from a `Report` to text, one output format each."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.reporter import Reporter


@hookimpl
def modlint_reporters() -> Iterable[Reporter]:
    """The formats for people, for editors and hooks, and for programs."""
    from modlint_plugins.reporters.concise import ConciseReporter
    from modlint_plugins.reporters.full import FullReporter
    from modlint_plugins.reporters.json_report import JsonReporter

    return (FullReporter(), ConciseReporter(), JsonReporter())
