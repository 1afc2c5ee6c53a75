"""Each numbered line of the list of threats: the file is built, and what must be found is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import no_progress

from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.report import Report
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Verdict
from threats import THREATS
from threats.build import ANYWHERE, Finding, Threat

LINES = range(1, 58)


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.id)
def test_threat(threat: Threat, registry: Registry, tmp_path: Path) -> None:
    path, expected = threat.write(tmp_path)
    families = tuple(sorted({code[:3] for code in registry.rules} & {"SEC", "FMT", "GRF"}))
    settings = Settings(select=families, device="cpu")
    report = check([path], Configuration(settings, None, tmp_path), registry, no_progress)
    assert report.files, report.run.problems
    findings = [verdict for file in report.files for verdict in file.findings]
    for finding in expected:
        assert any(_matches(verdict, finding) for verdict in findings), _told(finding, report)
    if any(finding.severity == "error" for finding in expected):
        assert report.run.exit_code == 1
    if not expected:
        assert not [verdict for verdict in findings if verdict.severity.rank > 0], _told(
            None, report
        )


@pytest.mark.parametrize("line", LINES)
def test_every_line_has_a_case(line: int) -> None:
    assert any(threat.line == line for threat in THREATS)


def _matches(verdict: Verdict, finding: Finding) -> bool:
    target = verdict.target
    return (
        verdict.rule in finding.rule.split("|")
        and verdict.severity in finding.severity.split("|")
        and finding.member in (ANYWHERE, target.member)
        and finding.offset in (None, target.offset)
        and finding.message in verdict.message
    )


def _told(finding: Finding | None, report: Report) -> str:
    lines = [f"not found: {finding}" if finding else "a healthy file", *report.run.problems]
    for file in report.files:
        lines.append(f"{file.path} {file.format} {file.status}")
        lines += [
            f"  {v.rule} {v.severity} {v.target.member!r} {v.target.offset} {v.message}"
            for v in file.findings
        ]
    return "\n".join(lines)
