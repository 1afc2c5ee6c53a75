"""`sarif`: SARIF 2.1.0, for code scanning.

Source: OASIS SARIF 2.1.0; GitHub Docs, "SARIF support for code scanning".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TextIO
from urllib.parse import quote

import msgspec

from modlint.report import FileReport, Report, RuleEntry
from modlint.reporter import Shown
from modlint.text import json_safe, printable
from modlint.verdict import Severity, Verdict
from modlint_plugins.reporters.findings import (
    LIMIT,
    advice,
    each_finding,
    place,
    relative,
    repeated,
    sentence,
)

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MOST_RESULTS = 25_000
"""Results of a run that GitHub takes."""
MOST_BYTES = 9_500_000
"""Of the document; GitHub takes 10 MB."""

_LEVELS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
    Severity.INFORMATION: "none",
}
_SECURITY = "SEC"


def write(report: Report, output: TextIO, shown: Shown) -> None:  # noqa: ARG001
    """Write one document; what GitHub would refuse for its length is left out, and said."""
    found = list(each_finding(report))
    most = min(len(found), MOST_RESULTS)
    text = _document(report, found, most)
    while len(text) > MOST_BYTES and most:
        most //= 2
        text = _document(report, found, most)
    output.write(text + "\n")


def _document(report: Report, found: Sequence[tuple[FileReport, Verdict]], most: int) -> str:
    """The document with the worst of the findings, up to a number."""
    kept = found
    if most < len(found):
        kept = sorted(found, key=lambda each: -each[1].severity.rank)[:most]
    codes = {rule.code: index for index, rule in enumerate(report.rules)}
    run = {
        "tool": {"driver": _driver(report)},
        "invocations": [_invocation(report, len(found) - len(kept))],
        "columnKind": "utf16CodeUnits",
        "results": [
            _result(file, verdict, number, codes)
            for (file, verdict), number in zip(kept, repeated(kept), strict=True)
        ],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_safe(msgspec.json.format(msgspec.json.encode(document), indent=1).decode())


def _driver(report: Report) -> dict[str, Any]:
    return {
        "name": "modlint",
        "version": report.run.modlint,
        "semanticVersion": report.run.modlint,
        "rules": [_rule(rule) for rule in report.rules],
    }


def _rule(rule: RuleEntry) -> dict[str, Any]:
    page = rule.page if isinstance(rule.page, str) else rule.summary
    text = {"text": _sentence(rule.summary)}
    properties: dict[str, Any] = {
        "persona": rule.persona,
        "source": rule.source,
        "tags": list(_tags(rule)),
    }
    if rule.code.startswith(_SECURITY):
        scores = {Severity.ERROR: "8.0", Severity.WARNING: "5.0"}
        properties["security-severity"] = scores.get(rule.severity, "2.0")
    described = {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": text,
        "fullDescription": text,
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": properties,
    }
    return described | ({"helpUri": rule.url} if rule.url else {})


def _tags(rule: RuleEntry) -> Iterator[str]:
    yield "checkpoint"
    if rule.code.startswith(_SECURITY):
        yield "security"


def _invocation(report: Report, left_out: int) -> dict[str, Any]:
    notices = [*report.run.problems]
    if left_out:
        notices.append(f"{left_out:,} findings left out: the document would be too long")
    return {
        "executionSuccessful": report.run.exit_code in (0, 1),
        "exitCode": report.run.exit_code,
        "toolExecutionNotifications": [
            {"level": "warning", "message": {"text": printable(notice, LIMIT)}}
            for notice in notices
        ],
    }


def _result(
    file: FileReport, verdict: Verdict, number: int, codes: dict[str, int]
) -> dict[str, Any]:
    cure = advice(verdict)
    result: dict[str, Any] = {
        "ruleId": verdict.rule,
        "level": _LEVELS[verdict.severity],
        "message": {"text": _sentence(sentence(verdict)) + (f" {_sentence(cure)}" if cure else "")},
        "locations": [_location(file, verdict)],
        "partialFingerprints": {"primaryLocationLineHash": f"{verdict.fingerprint}:{number}"},
        "properties": {"persona": verdict.persona, "confidence": verdict.confidence},
    }
    if verdict.rule in codes:
        result["ruleIndex"] = codes[verdict.rule]
    if verdict.baselined:
        result["suppressions"] = [{"kind": "external", "status": "accepted"}]
    return result


def _location(file: FileReport, verdict: Verdict) -> dict[str, Any]:
    """The file, without a region: an upload decodes it as text; the tensor as a logical place."""
    path = relative(printable(file.path))
    uri = quote(path)
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": f"file://{uri}" if path.startswith("/") else uri}
        }
    }
    where = place(verdict.target)
    if where:
        name = printable(verdict.target.name, LIMIT)
        location["logicalLocations"] = [{"name": name, "fullyQualifiedName": where}]
    return location


def _sentence(text: str) -> str:
    """A text that begins and ends as a sentence does."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "…")) else ".")
