"""Check healthy checkpoints and say how often each rule speaks, and of what.

    python -m benchmarks.healthy --packages FOLDER [PATH ...]

Writes 20 fresh initialisations and 16 briefly trained networks, checks them with what PATH names,
and prints a table of the rules with a line for each firing. With --judged each firing must have its
reason in judgements.toml; --page writes docs/calibration.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import modlint
from benchmarks.healthy import fresh, trained
from modlint.verdict import Persona, Verdict

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "calibration.md"


@dataclass(frozen=True)
class Firing:
    """A finding of a file that is taken to be healthy."""

    group: str
    file: str
    verdict: Verdict


@dataclass(frozen=True)
class Group:
    """Files of one origin: what they are called, and how many of their files were checked."""

    name: str
    files: Sequence[str]


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--group", nargs=2, action="append", default=[], metavar=("NAME", "FOLDER"))
    parser.add_argument("--page", action="store_true", help="write docs/calibration.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        groups, firings = [], []
        for name, folder in _folders(Path(temporary), arguments.group):
            group, found = checked(name, folder)
            groups.append(group)
            firings += found
    text = page(groups, firings, judgements())
    PAGE.write_text(text, encoding="utf-8") if arguments.page else sys.stdout.write(text)


def _folders(temporary: Path, named: Iterable[Sequence[str]]) -> Iterator[tuple[str, Path]]:
    for name, write in (("fresh", fresh.write), ("briefly trained", trained.write)):
        folder = temporary / name
        folder.mkdir()
        write(folder)
        yield name, folder
    for name, folder in named:
        yield name, Path(folder)


def checked(name: str, folder: Path) -> tuple[Group, list[Firing]]:
    """Check a folder with the defaults, and gather what regular users are told."""
    report = modlint.check(folder, device="cpu")
    files, firings = [], []
    for file in report.files:
        if file.tensors or file.findings:
            path = str(Path(file.path).relative_to(folder))
            files.append(path)
            told = (v for v in file.findings if v.persona is Persona.REGULAR)
            firings += [Firing(name, path, verdict) for verdict in told]
    return Group(name, files), firings


def judgements() -> list[tuple[str, str, str]]:
    """(rule, pattern of the file, why the firing is right), from judgements.toml."""
    table = tomllib.loads((HERE / "judgements.toml").read_text(encoding="utf-8"))
    return [
        (rule, pattern, reason)
        for rule, reasons in table.items()
        for pattern, reason in reasons.items()
    ]


def reason_of(firing: Firing, known: Iterable[tuple[str, str, str]]) -> str | None:
    """Why a firing is right, None where nobody has judged it."""
    place = f"{firing.group}/{firing.file}"
    rule = firing.verdict.rule
    return next((why for code, p, why in known if code == rule and fnmatchcase(place, p)), None)


def page(
    groups: Sequence[Group], firings: Sequence[Firing], known: Sequence[tuple[str, str, str]]
) -> str:
    """The page: rates by group, then each rule's firings with their judgement."""
    by_rule: dict[str, list[Firing]] = defaultdict(list)
    for firing in firings:
        by_rule[firing.verdict.rule].append(firing)
    lines = [INTRODUCTION, "", *_rates(groups, firings), "", "## Each firing", ""]
    for rule in sorted(by_rule):
        lines += [f"### {rule} {by_rule[rule][0].verdict.name}", ""]
        lines += _judged(by_rule[rule], known)
        lines.append("")
    return "\n".join(lines)


def _judged(firings: Sequence[Firing], known: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """A rule's firings, those of one judgement together."""
    together: dict[tuple[str, str], list[Firing]] = defaultdict(list)
    for firing in firings:
        why = reason_of(firing, known) or "**not judged**"
        together[why, firing.verdict.severity].append(firing)
    for (why, severity), found in together.items():
        files = dict.fromkeys(f"{firing.group}/{firing.file}" for firing in found)
        yield f"- {severity}: {why}"
        yield f"  ({', '.join(f'`{file}`' for file in files)}; as “{_cut(found[0])}”)"


def _cut(firing: Firing) -> str:
    message = firing.verdict.message
    return message if len(message) < 160 else message[:157] + "…"


def _rates(groups: Sequence[Group], firings: Sequence[Firing]) -> Iterator[str]:
    yield "| files | number | silent | error | warning | note | warnings a file | median |"
    yield "|---|---|---|---|---|---|---|---|"
    for group in groups:
        found = [firing for firing in firings if firing.group == group.name]
        spoken = {firing.file for firing in found}
        counts = [sum(f.verdict.severity == s for f in found) for s in ("error", "warning", "note")]
        warned: dict[str, set[str]] = {file: set() for file in group.files}
        for firing in found:
            if firing.verdict.severity in ("error", "warning"):
                warned[firing.file].add(firing.verdict.rule)
        rules = [len(rules) for rules in warned.values()] or [0]
        cells = (
            group.name,
            f"{len(group.files):,}",
            f"{len(group.files) - len(spoken):,}",
            *map(str, counts),
            f"{statistics.mean(rules):.2f}",
            f"{statistics.median(rules):g}",
        )
        yield f"| {' | '.join(cells)} |"


INTRODUCTION = """# Calibration

How often each rule speaks of checkpoints that are taken to be healthy, and why it is right where it
does. `python -m benchmarks.healthy` measures it with the defaults: 20 fresh initialisations and 16
briefly trained networks that it makes itself, trained files from public repositories, and trained
files that packages on PyPI carry, which no threshold was tuned on. A warning counts once for each
rule and file."""


if __name__ == "__main__":
    main()
