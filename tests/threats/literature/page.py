"""The tables of docs/threats.md on the literature, from the cases that there are.

`python -m threats.literature.page` in tests/ prints them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from threats.literature import THREATS
from threats.literature.advisories import FICKLING, PICKLESCAN, TRICKS


def tables() -> str:
    """The three tables, as Markdown."""
    return "\n\n".join(
        (
            _table(("loader", "forms"), _by_loader()),
            _table(("kind of exception", "files"), _by_kind()),
            _table(("scanner", "advisories"), _by_scanner()),
        )
    )


def _table(head: tuple[str, str], rows: Iterable[tuple[str, list[str]]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    lines += [f"| {name} | {'; '.join(items)} |" for name, items in rows]
    return "\n".join(lines)


def _by_loader() -> list[tuple[str, list[str]]]:
    forms: dict[str, list[str]] = defaultdict(list)
    for threat in THREATS:
        if threat.group == "path":
            loader, _, form = threat.title.partition(", ")
            forms[loader].append(form or "its file")
    return list(forms.items())


def _by_kind() -> list[tuple[str, list[str]]]:
    files: dict[str, list[str]] = defaultdict(list)
    for threat in THREATS:
        family, _, kind = threat.group.partition(", ")
        if family == "exception" and not threat.title.endswith(", behind a header"):
            files[kind].append(threat.title.removeprefix("behind the call, "))
    return list(files.items())


def _by_scanner() -> list[tuple[str, list[str]]]:
    tricks = dict.fromkeys(threat.group.partition(", ")[2] for threat in TRICKS)
    return [
        ("picklescan", sorted(advisory.id for advisory in PICKLESCAN)),
        ("fickling", sorted(advisory.id for advisory in FICKLING)),
        ("either, by a container or an opcode", sorted(tricks)),
    ]


if __name__ == "__main__":
    print(tables())  # noqa: T201
