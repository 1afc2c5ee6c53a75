"""The JSON contract."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Severity
from modlint_plugins.reporters import json_report

KEYS = {
    "report": "schema run summary rules files",
    "run": "modlint plugins torch device seed seconds settings exit_code notes",
    "summary": "files passed error warning note information inconclusive not_applicable baselined",
    "file": "path status format bytes tensors parameters remarks networks verdicts",
    "network": "id source confidence layers neurons connections reason",
    "verdict": "rule name outcome severity confidence persona target values limit message help "
    "reason baselined fingerprint",
    "target": "kind name network units member offset",
}


def render(report: Report, output: io.StringIO | io.TextIOWrapper | None = None) -> str:
    output = output or io.StringIO()
    json_report.write(report, output, Shown(Severity.ERROR))
    output.seek(0)
    return output.read()


def parse(report: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render(report), parse_constant=pytest.fail)
    return document


def keys(value: dict[str, Any]) -> list[str]:
    return [key for key in value if key != "problems"]


def test_every_key_of_the_contract_in_its_order(case: tuple[str, Report]) -> None:
    document = parse(case[1])
    assert document["schema"] == "modlint-report/1"
    assert keys(document) == KEYS["report"].split()
    assert keys(document["run"]) == KEYS["run"].split()
    assert keys(document["summary"]) == KEYS["summary"].split()
    for file in document["files"]:
        assert keys(file) == KEYS["file"].split()
        assert all(keys(network) == KEYS["network"].split() for network in file["networks"])
        for verdict in file["verdicts"]:
            assert keys(verdict) == KEYS["verdict"].split()
            assert keys(verdict["target"]) == KEYS["target"].split()


def test_it_conforms_to_its_schema_and_reads_back(build: Callable[[str], Report]) -> None:
    report = build("healthy")
    assert msgspec.json.decode(render(report), type=Report) == msgspec.convert(
        msgspec.to_builtins(report), Report
    )


def test_snapshot(build: Callable[[str], Report], snapshot: Callable[[str, str], None]) -> None:
    snapshot("json-broken.txt", render(build("broken")))


def test_everything_is_there_whatever_is_shown(build: Callable[[str], Report]) -> None:
    report = build("many")
    assert len(parse(report)["files"][0]["verdicts"]) == len(report.files[0].verdicts) == 235


def test_numbers_that_are_not_finite_are_null(build: Callable[[str], Report]) -> None:
    report = build("healthy")
    values = {"a": math.nan, "b": [math.inf, 1.5, -math.inf], "c": {"d": math.nan}}
    verdict = msgspec.structs.replace(report.files[0].verdicts[0], values=values)
    file = msgspec.structs.replace(report.files[0], verdicts=(verdict,))
    document = parse(msgspec.structs.replace(report, files=(file,)))
    shown = document["files"][0]["verdicts"][0]["values"]
    assert shown == {"a": None, "b": [None, 1.5, None], "c": {"d": None}}


def test_names_survive_and_cannot_drive_a_terminal(build: Callable[[str], Report]) -> None:
    text = render(build("hostile"))
    assert all(c.isprintable() or c == "\n" for c in text)
    name = json.loads(text)["files"][0]["verdicts"][0]["target"]["name"]
    assert name == "[red]w[/red]\x1b[2J\x1b]0;owned\x07\n\u202egnp.\u200b重み\\udc80"
    assert "重み" in text


def test_a_stream_that_is_not_utf8_gets_ascii(
    build: Callable[[str], Report], ascii_stream: io.TextIOWrapper
) -> None:
    report = build("hostile")
    text = render(report, ascii_stream)
    assert text.isascii()
    assert json.loads(text) == parse(report)


def test_the_same_report_gives_the_same_bytes(case: tuple[str, Report]) -> None:
    assert render(case[1]) == render(case[1])
    assert render(case[1]).endswith("}\n")
