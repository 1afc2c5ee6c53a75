"""`markdown`: a comment on a pull request, that folds.

Names and messages come from files that nobody vouches for: each is a code span, in which neither
markup nor a mention has an effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TextIO

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import count, printable
from modlint.verdict import Severity, Verdict
from modlint_plugins.reporters.findings import advice, place, relative
from modlint_plugins.reporters.told import told
from modlint_plugins.reporters.wording import (
    exit_meaning,
    finding_counts,
    findings,
    nothing_found,
    uncounted,
)

MOST = 60_000
"""Characters of a comment; GitHub takes 65,536."""
_SHOWN = 200
"""Characters of a name or a message."""
_MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}


def write(report: Report, output: TextIO, shown: Shown, most: int = MOST) -> None:
    """Write a headline, then a table for each file with findings, the worst file first.

    Args:
        report: the report.
        output: where to write.
        shown: what is shown.
        most: characters of the whole; what does not fit is counted.
    """
    report = told(report, shown)
    text = "\n".join(_headline(report, shown)) + "\n"
    files = [(file, list(findings(file, shown))) for file in report.files]
    files = [(file, found) for file, found in files if found]
    files.sort(key=lambda each: -each[1][0].severity.rank)
    left_out = 0
    for file, found in files:
        part = "\n".join(_file(file, found)) + "\n"
        if len(text) + len(part) > most - _SHOWN:
            left_out += 1
        else:
            text += part
    if left_out:
        text += f"\n{count(left_out, 'further file')} with findings left out: too long.\n"
    output.write(text)


def _headline(report: Report, shown: Shown) -> Iterator[str]:
    counts = ", ".join(words for _, words in finding_counts(report, shown))
    passes = report.run.exit_code == 0
    mark = "✅" if passes else "❌"
    yield f"### {mark} modlint: {counts or nothing_found(report, shown)}"
    yield ""
    files = count(len(report.files), "file")
    passed = f"{report.summary.passed:,} passed in {files}"
    yield "; ".join(filter(None, (passed, exit_meaning(report, shown)))) + "."
    rest = uncounted(report, shown, 10_000).removesuffix(" (-v lists them)")
    if rest:
        yield f"Not shown: {rest}."
    for problem in report.run.problems[:20]:
        yield f"- {code(problem)}"


def _file(file: FileReport, found: Sequence[Verdict]) -> Iterator[str]:
    worst = found[0].severity
    opened = " open" if worst is Severity.ERROR else ""
    yield ""
    yield f"<details{opened}><summary>{_MARKS[worst]} <code>{_html(relative(file.path))}</code>:"
    yield f"{count(len(found), 'finding')}</summary>"
    yield ""
    yield "| | rule | where | what |"
    yield "|---|---|---|---|"
    for verdict in found[:50]:
        cure = advice(verdict)
        what = code(verdict.message) + (f"<br>{code(cure)}" if cure else "")
        where = code(place(verdict.target)) if place(verdict.target) else "the file"
        mark = _MARKS.get(verdict.severity, "")
        yield f"| {mark} {verdict.severity} | {verdict.rule} {verdict.name} | {where} | {what} |"
    if len(found) > 50:
        yield f"| | | | {count(len(found) - 50, 'further finding')} |"
    yield ""
    yield "</details>"


def code(text: str) -> str:
    """A text as a code span, in a table's cell too."""
    text = printable(text, _SHOWN).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _html(text: str) -> str:
    """A text in HTML within Markdown: nothing in it is markup of either."""
    text = printable(text, _SHOWN)
    return "".join(c if c.isalnum() or c in " /.-" else f"&#{ord(c)};" for c in text)
