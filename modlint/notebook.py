"""What a notebook shows: HTML, safe whatever the names in a file hold."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modlint.text import count, printable

_LONGEST = 400
_ROWS = 200
_COLOURS = {"error": "#c62828", "warning": "#b26a00", "note": "#1565c0"}
_RANKS = ("error", "warning", "note")


def report_html(report: Mapping[str, Any]) -> str:
    """A report: a line for each file, a table of its findings, and what is inconclusive.

    Args:
        report: as its JSON has it.
    """
    run, files = report["run"], report["files"]
    verdict = "passed" if run["exit_code"] == 0 else f"failed (exit code {run['exit_code']})"
    parts = [_element("p", _bold(f"modlint: {verdict}") + _text(f", {_counts(report['summary'])}"))]
    parts += [_element("p", _text(problem)) for problem in run["problems"]]
    for file in files:
        parts += _file_html(file)
    return f"<div>{''.join(parts)}</div>"


def table_html(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of plain texts, the first 200 rows of it."""
    listed = list(rows)
    cells = [[_text(str(cell)) for cell in row] for row in listed[:_ROWS]]
    more = len(listed) - _ROWS
    note = _element("p", _text(f"and {count(more, 'more row')}")) if more > 0 else ""
    return _table(headers, cells) + note


def heading_html(title: str, rest: str) -> str:
    """A line that begins in bold type."""
    return _element("p", _bold(title) + _text(rest))


def _file_html(file: Mapping[str, Any]) -> Iterator[str]:
    size = f"{file['format']}, {count(file['tensors'], 'tensor')}, "
    yield heading_html(file["path"], f": {size}{count(file['parameters'], 'parameter')}")
    failed = [v for v in file["verdicts"] if v["outcome"] == "fail" and not v["baselined"]]
    failed.sort(key=lambda v: _RANKS.index(v["severity"]) if v["severity"] in _RANKS else 9)
    if failed:
        rows = [
            [
                _severity(v["severity"]),
                _text(f"{v['rule']} {v['name']}"),
                _text(v["target"]["name"]),
                _text(v["message"]),
                _text(v["help"] or ""),
            ]
            for v in failed[:_ROWS]
        ]
        yield _table(("severity", "rule", "where", "what", "what to do"), rows)
        if len(failed) > _ROWS:
            yield _element("p", _text(f"and {count(len(failed) - _ROWS, 'more finding')}"))
    open_ = [v for v in file["verdicts"] if v["outcome"] == "inconclusive"]
    if open_:
        rules = ", ".join(dict.fromkeys(v["rule"] for v in open_))
        reasons = "; ".join(dict.fromkeys(str(v["reason"]) for v in open_))
        yield _element("p", _text(f"inconclusive: {rules} ({reasons})"))


def _counts(summary: Mapping[str, Any]) -> str:
    severities = [count(summary[name], name) for name in _RANKS if summary[name]]
    found = ", ".join(severities) or "no findings"
    undecided = f", {summary['inconclusive']:,} inconclusive" if summary["inconclusive"] else ""
    return f"{found}{undecided}, {summary['passed']:,} passed in {count(summary['files'], 'file')}"


def _severity(name: str) -> str:
    colour = _COLOURS.get(name, "inherit")
    return f'<span style="color:{colour};font-weight:bold">{_text(name)}</span>'


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(_element("th", _text(header)) for header in headers)
    body = "".join(_element("tr", "".join(_cell(cell) for cell in row)) for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(content: str) -> str:
    return f'<td style="text-align:left">{content}</td>'


def _element(tag: str, content: str) -> str:
    return f"<{tag}>{content}</{tag}>"


def _bold(text: str) -> str:
    return _element("b", _text(text))


def _text(text: str) -> str:
    return html.escape(printable(text, _LONGEST))
