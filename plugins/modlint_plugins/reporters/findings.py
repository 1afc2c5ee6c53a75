"""Findings for programs: each with its file, safe to put into a line of any format."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from modlint.report import FileReport, Report
from modlint.text import printable
from modlint.verdict import Outcome, Severity, Target, Verdict

LIMIT = 1_000
"""Characters of a message or a name that formats for programs hold."""


def each_finding(
    report: Report, *, information: bool = False
) -> Iterator[tuple[FileReport, Verdict]]:
    """Every finding with its file, in the order of the files, the worst of each first.

    Args:
        report: the report.
        information: whether those that are measured against a suggested limit count too.
    """
    least = Severity.INFORMATION if information else Severity.NOTE
    for file in report.files:
        for verdict in file.findings:
            if verdict.severity.rank >= least.rank:
                yield file, verdict


def repeated(found: Iterable[tuple[FileReport, Verdict]]) -> Iterator[int]:
    """Of findings in their order, how many had the same fingerprint up to there: 1 for the first.

    Consumers take two findings of one fingerprint for one.
    """
    seen: Counter[str] = Counter()
    for _, verdict in found:
        seen[verdict.fingerprint] += 1
        yield seen[verdict.fingerprint]


def relative(path: str) -> str:
    """A path as consumers want it: by `/`, from the current folder where it lies in it."""
    inside = Path(path)
    if inside.is_absolute() and inside.is_relative_to(Path.cwd()):
        inside = inside.relative_to(Path.cwd())
    return os.path.normpath(inside).replace(os.sep, "/")


def place(target: Target) -> str:
    """Where in the file ("tensor fc1.weight", "member data.pkl at byte 7"), "" for all of it."""
    words = [] if target.kind == "file" else [target.kind, printable(target.name, LIMIT)]
    if target.member is not None and target.kind != "member":
        words += ["in", printable(target.member, LIMIT)]
    if target.offset is not None:
        words += ["at byte", f"{target.offset:,}"]
    return " ".join(words)


def sentence(verdict: Verdict) -> str:
    """What was found, led by its place where the message does not name it."""
    message = printable(verdict.message, LIMIT)
    where = place(verdict.target)
    named = verdict.target.name in verdict.message and verdict.target.offset is None
    return message if not where or named else f"{where}: {message}"


def advice(verdict: Verdict) -> str:
    """What to do about it, "" where nothing is said."""
    return printable(verdict.help or "", LIMIT)


def failed(verdict: Verdict) -> bool:
    """Whether a verdict is a finding that nobody has accepted."""
    return verdict.outcome is Outcome.FAIL and not verdict.baselined
