"""Parts of reports built by hand."""

from __future__ import annotations

from typing import Any

import msgspec

from modlint.checkpoint import Status
from modlint.report import FileReport, NetworkReport, Report, Run, Summary
from modlint.verdict import Confidence, Outcome, Severity, Target, Verdict

FILE = Target("file", "model.pt")
NETWORK = Target("network", "0", network="0")
RULES = {
    "CLU001": ("not-clusterable", Severity.INFORMATION),
    "CLU002": ("unbalanced-clusters", Severity.INFORMATION),
    "COV001": ("not-examined", Severity.INFORMATION),
    "FMT001": ("unreadable", Severity.ERROR),
    "FMT002": ("lfs-pointer", Severity.ERROR),
    "FMT004": ("training-state-left-in", Severity.NOTE),
    "FMT010": ("device-bound", Severity.NOTE),
    "NEU001": ("dead-neurons", Severity.WARNING),
    "NUM001": ("non-finite", Severity.ERROR),
    "SEC001": ("unsafe-pickle", Severity.ERROR),
}

EVIL = (
    "a\nb",
    "::error file=x::injected",
    "%0A::warning::x",
    "</code></summary><script>alert(1)</script>",
    "`` ` code ``",
    "|x|\n|---|\n",
    "[click](javascript:alert(1)) ![](http://example.org/x.png)",
    "@everyone #1 http://example.org",
    "=cmd|' /C calc'!A0",
    "\x1b[31mred\x1b[0m\u202e\u2066",
    "]]><failure/>\x00\x08",
    "\ud800",
    "x" * 10_000_000,
)
"""Names and messages that try to be more than text."""


def verdict(rule: str, outcome: str = "pass", target: Target = FILE, **fields: Any) -> Verdict:
    name, severity = RULES[rule]
    base = Verdict(
        rule=rule,
        name=name,
        outcome=Outcome(outcome),
        severity=severity,
        confidence=Confidence.HIGH,
        target=target,
    )
    return msgspec.structs.replace(base, **fields)


def file_report(*verdicts: Verdict, **fields: Any) -> FileReport:
    base = FileReport(
        path="model.pt",
        status=Status.CHECKED,
        format="torch-zip",
        bytes=1_613_231,
        tensors=10,
        parameters=400_906,
        networks=(network(),),
        verdicts=verdicts,
    )
    return msgspec.structs.replace(base, **fields)


def network(id: str = "0", **fields: Any) -> NetworkReport:
    base = NetworkReport(
        id=id,
        source="names",
        confidence=Confidence.HIGH,
        layers=5,
        neurons=1_818,
        connections=399_872,
    )
    return msgspec.structs.replace(base, **fields)


def report_of(*files: FileReport, **fields: Any) -> Report:
    run = Run(
        modlint="0.1.0",
        plugins={"modlint_rules": "0.1.0"},
        torch="2.13.0",
        device="cpu",
        seed=0,
        seconds=1.2,
        settings={"select": ["ALL"], "fail_on": "error"},
        exit_code=0,
    )
    run = msgspec.structs.replace(run, **fields)
    return Report(run=run, summary=Summary.of(files), files=files)
