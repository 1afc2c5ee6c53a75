"""What became of each mutant, in a file that a run is taken up from, and as a report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.mutation.mutants import Mutant

KILLED, SURVIVED, TIMEOUT, UNTESTED = OUTCOMES = ("killed", "survived", "timeout", "untested")
"""What no test executes survives without being run."""

_LONGEST = 100


class Ledger:
    """The outcomes by the mutants' ids; what a person wrote under "reason" stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reasons: dict[str, str] = {}
        self.outcomes: dict[str, dict[str, Any]] = {}
        if path.exists():
            kept = json.loads(path.read_text())
            self.outcomes = {told["id"]: told for told in kept["mutants"]}
            reasons = {identity: told["reason"] for identity, told in self.outcomes.items()}
            self.reasons = {identity: told for identity, told in reasons.items() if told}

    def add(self, mutant: Mutant, content: bytes, told: dict[str, Any]) -> None:
        """Note an outcome: "outcome", "test" and "seconds"."""
        self.outcomes[mutant.id] = {
            "id": mutant.id,
            "path": mutant.path,
            "line": mutant.line,
            "operator": mutant.operator,
            "before": _line(content, mutant.begin, mutant.end),
            "after": _line(mutant.apply(content), mutant.begin, mutant.begin + _size(mutant)),
            **told,
            "reason": self.reasons.get(mutant.id, ""),
        }

    def keep(self, ids: set[str]) -> None:
        """Forget all others."""
        self.outcomes = {i: told for i, told in self.outcomes.items() if i in ids}

    def write(self, **run: Any) -> None:
        """Write the file anew; what was there is replaced at once or not at all."""
        mutants = sorted(self.outcomes.values(), key=lambda told: (told["path"], told["line"]))
        text = json.dumps({**run, "mutants": mutants}, indent=1, ensure_ascii=False)
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(text + "\n")
        unfinished.replace(self.path)

    @staticmethod
    def noticed(told: dict[str, Any]) -> bool:
        """A test that does not end notices too."""
        return told["outcome"] in (KILLED, TIMEOUT)

    @property
    def share_noticed(self) -> float:
        """Of all mutants, those that the tests noticed."""
        noticed = sum(map(self.noticed, self.outcomes.values()))
        return noticed / max(len(self.outcomes), 1)


def report(ledger: Ledger, described: str) -> Iterator[str]:
    """The tables in Markdown."""
    yield from ("# Mutants of the code", "", described, "")
    yield from _counts(ledger)
    left = [told for told in ledger.outcomes.values() if not ledger.noticed(told)]
    yield from ("", f"{ledger.share_noticed:.1%} noticed.", "", "## Not noticed", "")
    for told in sorted(left, key=lambda told: (told["path"], told["line"])):
        place = f"{told['path']}:{told['line']}"
        yield f"- `{told['id']}` {place}, {told['operator']}, {told['outcome']}:"
        yield from ("", "  ```diff", f"  -{told['before']}", f"  +{told['after']}", "  ```", "")
        yield f"  {told['reason'] or 'No reason given yet.'}"


def _counts(ledger: Ledger) -> Iterator[str]:
    yield "| package | mutants | " + " | ".join(OUTCOMES) + " | noticed |"
    yield "|---|" + "---:|" * (len(OUTCOMES) + 2)
    packages: dict[str, Counter[str]] = {}
    for told in ledger.outcomes.values():
        package = "/".join(Path(told["path"]).parts[1:3])
        for name in (package, "all"):
            packages.setdefault(name, Counter())[told["outcome"]] += 1
    for name, counts in sorted(packages.items(), key=lambda pair: (pair[0] == "all", pair[0])):
        noticed = (counts[KILLED] + counts[TIMEOUT]) / counts.total()
        cells = " | ".join(str(counts[outcome]) for outcome in OUTCOMES)
        yield f"| {name} | {counts.total()} | {cells} | {noticed:.0%} |"


def _size(mutant: Mutant) -> int:
    return len(mutant.replacement.encode())


def _line(content: bytes, begin: int, end: int) -> str:
    """The lines that hold a range, as one, and its surroundings where that is too long."""
    start = content.rfind(b"\n", 0, begin) + 1
    stop = content.find(b"\n", end)
    lead = content[start:begin].decode()
    text = content[begin : stop if stop >= 0 else len(content)].decode()
    joined = " ".join((lead + text).split())
    if len(joined) <= _LONGEST:
        return joined
    return joined[:_LONGEST] + "…"
