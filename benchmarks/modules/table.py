"""What came out, as tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.modules.verdicts import files_table

Line = Mapping[str, Any]

LEVEL, EFFECT = 0.05, 0.01
SIZES = (9, 30, 100, 300, 1000, 3001)
BY: dict[str, Callable[[Line], str]] = {
    "architecture": lambda line: line["architecture"],
    "weights": lambda line: line["law"],
    "zeros": lambda line: f"{line['sparsity']:.0%}",
    "strengths": lambda line: line["strengths"],
    "scales": lambda line: line["scale"],
    "a tenth of the hidden units": lambda line: line["death"],
    "units": lambda line: next(
        f"{low} to {high - 1}" for low, high in pairwise(SIZES) if line["units"] < high
    ),
}


def table(folder: Path) -> str:
    """The tables of all runs."""
    return (
        "\n".join(
            [
                *_calibration(_read(folder, "calibration")),
                "",
                *_power(_read(folder, "power")),
                "",
                *files_table(_read(folder, "files")),
            ]
        )
        + "\n"
    )


def _read(folder: Path, what: str) -> list[Line]:
    file = folder / f"modules-{what}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _calibration(lines: list[Line]) -> Iterable[str]:
    tested = [line for line in lines if "p" in line]
    yield "## Networks without modules"
    yield ""
    yield f"{len(lines)} networks, {_exchanges(lines)}; {len(lines) - len(tested)} inconclusive"
    yield ""
    yield "| class | | networks | p ≤ .05 | and effect ≥ .01 | mean p |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    yield _row("all", "", tested)
    for title, of in BY.items():
        for name in sorted({of(line) for line in tested}, key=lambda name: (len(name), name)):
            yield _row(title, name, [line for line in tested if of(line) == name])


def _exchanges(lines: list[Line]) -> str:
    numbers = Counter(line["shuffles"] for line in lines)
    return ", ".join(f"{count} with {number} exchanges" for number, count in numbers.items())


def _row(title: str, name: str, lines: list[Line]) -> str:
    count = max(1, len(lines))
    small = [line for line in lines if line["p"] <= LEVEL]
    modules = [line for line in small if line["effect"] >= EFFECT]
    mean = sum(line["p"] for line in lines) / count
    return (
        f"| {title} | {name} | {len(lines)} | {len(small) / count:.1%} |"
        f" {len(modules) / count:.1%} | {mean:.2f} |"
    )


def _power(lines: list[Line]) -> Iterable[str]:
    yield "## Networks with modules"
    yield ""
    yield f"{len(lines)} networks, {_exchanges(lines)}"
    yield ""
    yield "| planted | networks | p ≤ .05 | and effect ≥ .01 | effect (median) |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    titles = dict.fromkeys(line["name"].rpartition(", ")[0] for line in lines)
    for title in sorted(titles):
        own = [line for line in lines if line["name"].rpartition(", ")[0] == title]
        small = [line for line in own if line.get("p", 1) <= LEVEL]
        found = [line for line in small if line["effect"] >= EFFECT]
        effects = sorted(line.get("effect", 0) for line in own)
        yield (
            f"| {title} | {len(own)} | {len(small) / len(own):.0%} | {len(found) / len(own):.0%} |"
            f" {effects[len(effects) // 2]:.3f} |"
        )
