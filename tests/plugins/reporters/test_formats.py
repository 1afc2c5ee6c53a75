"""Formats for other programs: each is read by a parser of its own kind, whatever a file holds."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cmarkgfm
import junitparser
import msgspec
import pytest
from cmarkgfm.cmark import Options
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from report_parts import EVIL, file_report, report_of, verdict
from sarif_pydantic import Sarif

from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Persona, Severity, Target
from modlint_plugins.reporters import (
    REPORTERS,
    csv_report,
    cyclonedx,
    github,
    gitlab,
    junit,
    markdown,
    sarif,
)
from modlint_plugins.reporters.findings import each_finding


def written(write: Callable[..., None], report: Report, shown: Shown | None = None) -> str:
    output = io.StringIO()
    write(report, output, shown or Shown())
    return output.getvalue()


@pytest.fixture(params=range(len(EVIL)))
def evil(request: pytest.FixtureRequest) -> Report:
    """A report all of whose texts are one that tries to be more."""
    text = EVIL[request.param]
    targets = (Target("tensor", text), Target("member", text, member=text, offset=7))
    found = [
        verdict(code, "fail", severity=severity, target=target, message=text, help=text)
        for code, severity in (("SEC001", Severity.ERROR), ("NUM001", Severity.WARNING))
        for target in targets
    ]
    found.append(verdict("NUM001", "inconclusive", message=text, reason=text))
    return report_of(file_report(*found, path=text), problems=(text,), exit_code=1)


def test_each_format_is_what_its_module_writes(build: Callable[[str], Report]) -> None:
    for reporter in REPORTERS:
        output = io.StringIO()
        reporter.write(build("broken"), output, Shown())
        assert output.getvalue()


def check_sarif(report: Report) -> dict[str, Any]:
    document = json.loads(written(sarif.write, report))
    Sarif.model_validate(document)
    (run,) = document["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert "region" not in result["locations"][0]["physicalLocation"]
        assert ids[result["ruleIndex"]] == result["ruleId"] if "ruleIndex" in result else True
        assert result["partialFingerprints"]["primaryLocationLineHash"]
    return run  # type: ignore[no-any-return]


def test_sarif_holds_every_finding(case: tuple[str, Report]) -> None:
    _, report = case
    run = check_sarif(report)
    assert [result["ruleId"] for result in run["results"]] == [
        verdict.rule for _, verdict in each_finding(report)
    ]


def test_sarif_stays_below_what_github_takes() -> None:
    found = [
        verdict("NUM001", "fail", severity=Severity.NOTE, target=Target("tensor", f"w{i}"))
        for i in range(26_000)
    ]
    found.append(verdict("SEC001", "fail", severity=Severity.ERROR, message="the worst"))
    text = written(sarif.write, report_of(file_report(*found)))
    assert len(text) < 10_000_000
    (run,) = json.loads(text)["runs"]
    assert len(run["results"]) <= 25_000
    assert run["results"][0]["ruleId"] == "SEC001"
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "left out" in notice["message"]["text"]


def test_sarif_says_what_was_accepted() -> None:
    found = msgspec.structs.replace(verdict("NUM001", "fail"), baselined=True)
    (result,) = check_sarif(report_of(file_report(found)))["results"]
    assert result["suppressions"] == [{"kind": "external", "status": "accepted"}]


def test_sarif_is_harmless(evil: Report) -> None:
    check_sarif(evil)


def commands(text: str) -> list[tuple[str, str, str]]:
    """Workflow commands as the runner parses them: name, properties, message."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) ?([^:]*?)::(.*)", line)
        if match:
            found.append((match[1], match[2], match[3]))
        else:
            assert not line.lstrip().startswith("::")
    return found


def test_github_shows_ten_of_a_kind_the_worst_first() -> None:
    found = [
        verdict(code, "fail", severity=severity, target=Target("tensor", f"w{i}"))
        for code, severity in (("NUM001", Severity.WARNING), ("SEC001", Severity.ERROR))
        for i in range(15)
    ]
    text = written(github.write, report_of(file_report(*found)))
    assert [name for name, _, _ in commands(text)] == ["error"] * 10 + ["warning"] * 10
    assert "10 of them in the job's summary alone" in text


def test_github_writes_the_summary_of_its_job(
    build: Callable[[str], Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    written(github.write, build("broken"))
    assert summary.read_text().startswith("### ❌ modlint: ")


def test_github_is_harmless(evil: Report) -> None:
    text = written(github.write, evil)
    assert text.isascii()
    assert {name for name, _, _ in commands(text)} == {"error", "warning"}
    assert len(commands(text)) == 4
    for _, properties, _ in commands(text):
        assert [part.split("=")[0] for part in properties.split(",")] == ["file", "title"]


def check_gitlab(report: Report) -> list[dict[str, Any]]:
    issues = json.loads(written(gitlab.write, report))
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["lines"]["begin"] == 1
        assert not issue["location"]["path"].startswith("./")
    return issues  # type: ignore[no-any-return]


def test_gitlab_holds_what_is_for_the_reader(build: Callable[[str], Report]) -> None:
    regular = check_gitlab(build("broken"))
    pedantic = json.loads(written(gitlab.write, build("broken"), Shown(persona=Persona.PEDANTIC)))
    assert "FMT010" not in {issue["check_name"] for issue in regular}
    assert "FMT010" in {issue["check_name"] for issue in pedantic}


def test_gitlab_is_harmless(evil: Report) -> None:
    assert len(check_gitlab(evil)) == 4


def check_junit(report: Report) -> junitparser.JUnitXml:
    parsed = junitparser.JUnitXml.fromstring(written(junit.write, report).encode())
    cases = [case for suite in parsed for case in suite]
    assert parsed.tests == len(cases) > 0
    assert parsed.failures == sum(
        isinstance(result, junitparser.Failure) for case in cases for result in case.result
    )
    return parsed


def test_junit_counts(case: tuple[str, Report]) -> None:
    _, report = case
    parsed = check_junit(report)
    rules = {
        (file.path, v.rule)
        for file in report.files
        for v in file.findings
        if v.severity.rank >= Severity.WARNING.rank
        and v.persona is Persona.REGULAR
        and not v.baselined
    }
    assert parsed.failures == len(rules)


def test_a_clean_junit_run_has_a_passing_case() -> None:
    parsed = check_junit(report_of())
    assert (parsed.tests, parsed.failures, parsed.errors) == (1, 0, 0)


def test_junit_is_harmless(evil: Report) -> None:
    parsed = check_junit(evil)
    assert (parsed.failures, parsed.errors) == (2, 1)


ALLOWED = {
    "h3", "p", "ul", "li", "code", "details", "summary", "table", "thead", "tbody", "tr", "th",
    "td", "br",
}  # fmt: skip


def rendered(text: str) -> ET.Element:
    """A comment as GitHub renders it, before it filters what HTML it does not trust."""
    html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    return ET.fromstring(f"<body>{html.replace('<br>', '<br/>')}</body>".replace(" open>", ">"))


def test_markdown_folds_and_stays_a_comment(case: tuple[str, Report]) -> None:
    _, report = case
    text = written(markdown.write, report)
    assert len(text) <= 65_536
    tags = {element.tag for element in rendered(text).iter()} - {"body"}
    assert tags <= ALLOWED


def test_markdown_is_harmless(evil: Report) -> None:
    text = written(markdown.write, evil)
    assert len(text) <= 65_536
    body = rendered(text)
    assert {element.tag for element in body.iter()} - {"body"} <= ALLOWED
    assert len(body.findall(".//details")) == 1
    assert len(body.findall(".//tbody/tr")) == 4
    within = {id(e) for code in body.iter("code") for e in code.iter()}
    for element in body.iter():
        for name in ("script", "@everyone", "example.org", "calc"):
            assert id(element) in within or name not in (element.text or "")


def test_csv_has_a_row_for_each_verdict_and_no_formula(evil: Report) -> None:
    text = written(csv_report.write, evil)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 5
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert text.count("\n") == 6


def test_cyclonedx_is_valid_and_vouches_for_the_files(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"weights")
    unsafe = verdict("SEC001", "fail", severity=Severity.ERROR, message="calls posix.system")
    text = written(cyclonedx.write, report_of(file_report(unsafe, path=str(path))))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    (component,) = document["components"]
    digest = hashlib.sha256(b"weights").hexdigest()
    assert component["hashes"] == [{"alg": "SHA-256", "content": digest}]
    (vulnerability,) = document["vulnerabilities"]
    assert vulnerability["id"] == "SEC001"
    assert vulnerability["affects"] == [{"ref": component["bom-ref"]}]


def test_cyclonedx_is_harmless(evil: Report) -> None:
    text = written(cyclonedx.write, evil)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
