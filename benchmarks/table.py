"""The reproduced table as Markdown: every row by everyone, and how well two programs agree."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from published import ROWS, Row

HEADER = "| network | by | accuracy | statistic | null mean | null sd | z | p | CPU s | wall s |"
RULE = "| --- | --- |" + " ---: |" * 8
FIELDS = {
    "observed": "{:.3f}",
    "null_mean": "{:.3f}",
    "null_std": "{:.4f}",
    "z_score": "{:+.1f}",
    "p_value": "{:.3f}",
    "cpu_seconds": "{:.1f}",
    "wall_seconds": "{:.1f}",
}
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
PAIRS = {
    "n-cut": ("modlint filan2021", "scikit-learn"),
    "spectral sum": ("modlint spectral", "scipy"),
}
"""By statistic: who is compared with whom, on the same shuffles."""

MAX_SHIFT, MAX_SPREAD = 0.005, 0.25
"""How far n-cut or null mean, and the null's spread, may be from the reference's, relatively."""


def render(networks: Sequence[dict[str, Any]]) -> str:
    """The rows of each dataset, means over networks, and the agreement network by network."""
    lines = ["# The published table, reproduced", ""]
    for dataset, title in TITLES.items():
        lines += [f"## {title}", "", HEADER, RULE]
        for row in ROWS:
            if row.dataset == dataset:
                lines += _row_lines(row, of_row(row, networks))
        lines.append("")
    for statistic in PAIRS:
        lines += [f"## Agreement in {statistic}", "", *_agreement(statistic, networks), ""]
    return "\n".join(lines)


def of_row(row: Row, networks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The networks of a row."""
    key = (row.dataset, row.kind, row.pruned)
    return [n for n in networks if (n["dataset"], n["kind"], n["pruned"]) == key]


def _row_lines(row: Row, networks: list[dict[str, Any]]) -> Iterator[str]:
    """What the paper says, then the mean over networks of each program's figures."""
    if not networks:
        return
    if row.published:
        said = [getattr(row.published, name, None) for name in FIELDS]
        yield _line(row.title, "published", row.published.accuracy, said)
    trained = [n["train"] for n in networks]
    mean = {f: statistics.fmean(t[f] for t in trained) for f in trained[0]}
    spent = [None] * 5 + [mean["cpu_seconds"], mean["seconds"]]
    yield _line(row.title, f"training, {len(trained)}", mean["accuracy"], spent)
    for program in (name for pair in PAIRS.values() for name in reversed(pair)):
        tests = [n[program] for n in networks if program in n]
        if tests:
            means = [statistics.fmean(test[f] for test in tests) for f in FIELDS]
            yield _line(row.title, f"{program}, {len(tests)}", None, means)


def _line(title: str, by: str, accuracy: float | None, values: Sequence[float | None]) -> str:
    pairs = zip(FIELDS.values(), values, strict=True)
    cells = ["" if value is None else form.format(value) for form, value in pairs]
    share = "" if accuracy is None else f"{accuracy:.4f}"
    return f"| {' | '.join([title, by, share, *cells])} |"


def _agreement(statistic: str, networks: Sequence[dict[str, Any]]) -> Iterator[str]:
    """One line per network: how far modlint is from the reference, and if that is too far."""
    ours, theirs = PAIRS[statistic]
    yield f"| network | seed | {statistic} | null mean | null sd, ratio | CPU seconds, ratio | |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for network in networks:
        if ours in network and theirs in network:
            a, b = network[ours], network[theirs]
            shifts = [a[f] / b[f] - 1 for f in ("observed", "null_mean")]
            spread, speed = a["null_std"] / b["null_std"], b["cpu_seconds"] / a["cpu_seconds"]
            near = max(map(abs, shifts)) <= MAX_SHIFT and abs(spread - 1) <= MAX_SPREAD
            name = Row(network["dataset"], network["kind"], network["pruned"]).title
            cells = [f"{TITLES[network['dataset']]} {name}", str(network["seed"])]
            cells += [f"{shift:+.3%}" for shift in shifts]
            cells += [f"{spread:.2f}", f"{speed:.1f}", "" if near else "outside"]
            yield f"| {' | '.join(cells)} |"
