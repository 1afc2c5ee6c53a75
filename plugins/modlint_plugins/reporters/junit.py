"""`junit`: a suite for each file, a case for each rule.

Source: the schema of Jenkins' xUnit plugin, junit-10.xsd.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from typing import TextIO
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import printable
from modlint.verdict import Outcome, Severity, Verdict
from modlint_plugins.reporters.findings import LIMIT, advice, failed, relative, sentence

_MOST = 20
"""Findings of a rule and file that are listed."""


def write(report: Report, output: TextIO, shown: Shown) -> None:
    """Write the document; a run without files has one passing case."""
    root = Element("testsuites", name="modlint")
    for file in report.files:
        _suite(root, file, shown)
    if not report.files or report.run.problems:
        _run(root, report.run.problems)
    for key in _TOTALS:
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    indent(root)
    text = io.BytesIO()
    ElementTree(root).write(text, "us-ascii", xml_declaration=False)
    output.write('<?xml version="1.0" encoding="UTF-8"?>\n' + text.getvalue().decode() + "\n")


_TOTALS = ("tests", "failures", "errors")
"""What the schema lets all suites state together; what was skipped is each suite's to say."""


def _suite(root: Element, file: FileReport, shown: Shown) -> None:
    path = relative(printable(file.path))
    suite = SubElement(root, "testsuite", name=path)
    by_rule: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in file.verdicts:
        if verdict.persona.rank <= shown.persona.rank:
            by_rule[verdict.rule, verdict.name].append(verdict)
    kinds = [_case(suite, path, f"{code} {name}", told) for (code, name), told in by_rule.items()]
    if not kinds:
        kinds = [SubElement(suite, "testcase", classname=path, name="read").tag]
    _count(suite, kinds)


def _case(suite: Element, path: str, name: str, verdicts: Sequence[Verdict]) -> str:
    """Add a rule's case; what became of it."""
    case = SubElement(suite, "testcase", classname=path, name=name)
    found = [verdict for verdict in verdicts if failed(verdict)]
    weighing = [verdict for verdict in found if verdict.severity.rank >= Severity.WARNING.rank]
    lines = [_line(verdict) for verdict in weighing or found]
    if len(lines) > _MOST:
        lines[_MOST:] = [f"and {len(lines) - _MOST:,} more"]
    if weighing:
        worst = max(weighing, key=lambda verdict: verdict.severity.rank)
        failure = SubElement(case, "failure", message=sentence(worst), type=str(worst.severity))
        failure.text = "\n".join(lines)
        return "failure"
    undecided = [v for v in verdicts if v.outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)]
    if undecided and len(undecided) == len(verdicts):
        reason = f"{undecided[0].outcome}: {printable(undecided[0].reason or '', LIMIT)}"
        SubElement(case, "skipped", message=reason)
        return "skipped"
    if lines:
        SubElement(case, "system-out").text = "\n".join(lines)
    return "pass"


def _line(verdict: Verdict) -> str:
    cure = advice(verdict)
    return f"{verdict.severity}: {sentence(verdict)}" + (f" ({cure})" if cure else "")


def _run(root: Element, problems: Sequence[str]) -> None:
    """A suite of the run itself: what went wrong in it, or a case that passes."""
    suite = SubElement(root, "testsuite", name="modlint")
    case = SubElement(suite, "testcase", classname="modlint", name="run")
    if problems:
        text = "\n".join(printable(problem, LIMIT) for problem in problems)
        SubElement(case, "error", message=printable(problems[0], LIMIT)).text = text
    _count(suite, ["error" if problems else "pass"])


def _count(suite: Element, kinds: Sequence[str]) -> None:
    suite.set("tests", str(len(kinds)))
    for key, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(each == kind for each in kinds)))
