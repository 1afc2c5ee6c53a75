"""A report: a line for each file, its findings, what was measured, shuffles, what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modlint.notebook.elements import element, folded, heading, label, table, text
from modlint.notebook.pictures import null_picture
from modlint.text import count, number

_RANKS = ("error", "warning", "note")
_SIGNS = {"max": "≤", "min": "≥"}
Verdict = Mapping[str, Any]


def report_html(report: Mapping[str, Any]) -> str:
    """A report as its JSON has it."""
    run, files = report["run"], report["files"]
    code = run["exit_code"]
    verdict = label(f"failed (exit code {code})", "error") if code else label("passed", "pass")
    parts = [element("p", f"{verdict} {text(_counts(report['summary']))}")]
    parts += [element("p", text(problem)) for problem in run["problems"]]
    for file in files:
        parts += _file(file)
    return element("div", "".join(parts))


def _file(file: Mapping[str, Any]) -> Iterator[str]:
    size = f"{file['format']}, {count(file['tensors'], 'tensor')}, "
    yield heading(file["path"], f": {size}{count(file['parameters'], 'parameter')}")
    found = [v for v in file["verdicts"] if v["outcome"] == "fail" and not v["baselined"]]
    found = [v for v in found if v["severity"] in _RANKS]
    if found:
        yield findings_table(found)
    for verdict in file["verdicts"]:
        yield from _null(verdict)
    rows = [row for verdict in file["verdicts"] for row in _measured(verdict)]
    if rows:
        measured = table(("", "rule", "where", "what", "#value", "#limit"), rows)
        yield folded(f"{count(len(rows), 'measurement')}", measured)
    open_ = [v for v in file["verdicts"] if v["outcome"] == "inconclusive"]
    if open_:
        rules = ", ".join(dict.fromkeys(v["rule"] for v in open_))
        reasons = "; ".join(dict.fromkeys(str(v["reason"]) for v in open_))
        yield element("p", text(f"inconclusive: {rules} ({reasons})"))


def findings_table(found: Sequence[Verdict]) -> str:
    """Findings, the worst first."""
    ranked = sorted(found, key=lambda v: _RANKS.index(v["severity"]))
    rows = [
        (
            label(v["severity"]),
            text(f"{v['rule']} {v['name']}"),
            text(v["target"]["name"]),
            text(v["message"]),
            text(v["help"] or ""),
        )
        for v in ranked
    ]
    return table(("severity", "rule", "where", "what", "what to do"), rows)


def _null(verdict: Verdict) -> Iterator[str]:
    """The value of a network among those of its shuffles, where there are some."""
    values = verdict["values"]
    samples = [s for s in values.get("null_samples") or () if s is not None]
    own = values.get("spectral_sum" if values.get("method") == "spectral" else "ncut")
    if samples and own is not None:
        yield element("p", text(f"{verdict['rule']} {verdict['name']}: {verdict['message']}"))
        yield null_picture(samples, own)


def _measured(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """A row for each value that has a limit."""
    if verdict["outcome"] not in ("pass", "fail"):
        return
    mark = label("✔", "pass") if verdict["outcome"] == "pass" else label("✖", verdict["severity"])
    for name, limits in (verdict["limit"] or {}).items():
        value = verdict["values"].get(name)
        if isinstance(value, int | float):
            bounds = " ".join(f"{_SIGNS[b]} {number(limits[b])}" for b in _SIGNS if b in limits)
            rule, where = f"{verdict['rule']} {verdict['name']}", verdict["target"]["name"]
            what = name.replace("_", " ")
            yield (mark, *map(text, (rule, where, what, number(value), bounds)))


def _counts(summary: Mapping[str, Any]) -> str:
    severities = [count(summary[name], name) for name in _RANKS if summary[name]]
    found = ", ".join(severities) or "no findings"
    undecided = f", {summary['inconclusive']:,} inconclusive" if summary["inconclusive"] else ""
    return f"{found}{undecided}, {summary['passed']:,} passed in {count(summary['files'], 'file')}"
