"""What each scanner says of the bypasses that public text tells of, which the tests rebuild.

Nothing but the scanners opens what is written here; see `tests/threats`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanning import Tool, side_by_side

TESTS = Path(__file__).resolve().parents[1] / "tests"
HEALTHY = "healthy"
_SAID = {
    "error": "found",
    "warning": "warned",
    "clean": "missed",
    "not scanned": "missed",
    "failed": "failed",
}
_COLUMNS = ("found", "warned", "missed", "failed")


@dataclass(frozen=True)
class Case:
    """A file or folder, and what each tool said of it.

    Attributes:
        group: the part of the literature; "healthy" where nothing may be said of it.
        title: what the file tries.
        said: one of "found", "warned", "missed" and "failed" by tool.
    """

    group: str
    title: str
    said: dict[str, str]


def cases(folder: Path, known: list[Tool], jobs: int) -> list[Case]:
    """Write each case into a folder of its own and let every tool scan it."""
    threats = _threats()
    paths, groups = [], []
    for number, threat in enumerate(threats):
        place = folder / f"{number:04d}"
        place.mkdir()
        path, findings = threat.write(place)
        paths.append(path)
        groups.append(threat.group if findings else HEALTHY)
    rows = side_by_side(paths, known, jobs)
    return [
        Case(group, threat.title, {name: _SAID[verdict] for name, verdict in row.items()})
        for group, threat, row in zip(groups, threats, rows, strict=True)
    ]


def _threats() -> list[Any]:
    """The threats that belong to a group of the literature."""
    sys.path.insert(0, str(TESTS))
    from threats import THREATS

    return [threat for threat in THREATS if getattr(threat, "group", "")]


def sums(told: list[Case]) -> Iterator[str]:
    """How many cases of each group each tool finds; kinds within a group are added up."""
    yield "| group | tool | " + " | ".join(_COLUMNS) + " |"
    yield "|---|---|" + "---:|" * len(_COLUMNS)
    groups = dict.fromkeys(_family(case) for case in told)
    for group in groups:
        rows = [case.said for case in told if _family(case) == group]
        for tool in rows[0]:
            counts = Counter(row[tool] for row in rows)
            cells = " | ".join(str(counts[column]) for column in _COLUMNS)
            yield f"| {group} ({len(rows)}) | {tool} | {cells} |"


def each(told: list[Case]) -> Iterator[str]:
    """A line for each case; of the gadgets, which are one kind, those that some tool misses."""
    names = list(told[0].said) if told else []
    yield "| group | case | " + " | ".join(names) + " |"
    yield "|---|---|" + "---|" * len(names)
    for case in told:
        if _family(case) != "gadget" or set(case.said.values()) != {"found"}:
            title = case.title.replace("|", "\\|")
            yield f"| {case.group} | {title} | " + " | ".join(case.said.values()) + " |"


def _family(case: Case) -> str:
    return case.group.partition(",")[0]
