"""Words that the reporters for people share: where a finding is, and what the run came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import count
from modlint.verdict import Outcome, Severity, Target, TargetKind, Verdict

UNITS_SHOWN = 10
KINDS: tuple[Severity | Outcome, ...] = (
    *reversed(Severity),
    Outcome.INCONCLUSIVE,
    Outcome.NOT_APPLICABLE,
)
"""What becomes of a verdict that does not pass: a finding of some severity comes first."""

PLURALS: dict[TargetKind, str] = {
    "file": "checks",
    "tensor": "tensors",
    "layer": "layers",
    "units": "layers",
    "network": "networks",
    "member": "members",
}


def where(target: Target, networks: int = 1) -> str:
    """The place of a verdict in its file, "" for the whole file.

    Args:
        target: the place.
        networks: how many networks the file holds; with several, the place names its own.
    """
    place = "" if target.kind == "file" else f"{target.kind} {target.name}"
    if target.kind == "network" and networks < 2:
        place = "the network"
    if target.units is not None:
        place = f"{_units(target.units)} of layer {target.name}"
    if target.member is not None and target.kind != "member":
        place = f"{place} in {target.member}".strip()
    if target.offset is not None:
        place = f"{place} at byte {target.offset:,}".strip()
    if networks > 1 and target.network is not None and target.kind != "network":
        place = f"{place} (network {target.network})"
    return place


def _units(units: tuple[int, ...]) -> str:
    indices = ", ".join(str(unit) for unit in units[:UNITS_SHOWN])
    if len(units) > UNITS_SHOWN:
        return f"units {indices} and {len(units) - UNITS_SHOWN:,} more"
    return f"{'unit' if len(units) == 1 else 'units'} {indices}"


def findings(file: FileReport, shown: Shown) -> Iterator[Verdict]:
    """The findings to show, the worst first: neither baselined nor filtered out."""
    return (v for v in file.findings if not v.baselined and shown.in_full(v))


def finding_counts(report: Report, shown: Shown) -> list[tuple[Severity, str]]:
    """Severity and words of each count of findings that are shown, the worst first."""
    amounts = Counter(v.severity for file in report.files for v in findings(file, shown))
    return [(s, _counted(s, amounts[s])) for s in reversed(Severity) if amounts[s]]


def nothing_found(report: Report, shown: Shown) -> str:
    """What is said where no finding is shown."""
    if not any(not v.baselined for file in report.files for v in file.findings):
        return "no findings"
    if shown.least_in_full is Severity.ERROR:
        return "no errors"
    return "no errors or warnings" if shown.least_in_full is Severity.WARNING else "no findings"


def uncounted(report: Report, shown: Shown, cells: int) -> str:
    """Counts by rule of what is not shown in full, in a line of at most `cells` where it can be.

    Args:
        report: what was found.
        shown: what is shown in full.
        cells: the width; rules beyond it are counted, not named.
    """
    groups = _uncounted(report, shown)
    if not groups:
        return ""
    line = ""
    for named in (8, 5, 3, 2, 1, 0):
        parts = [f"{words}{_rules(codes, named)}" for words, codes in groups]
        line = ", ".join(parts) + ("" if shown.verbose else " (-v lists them)")
        if len(line) <= cells:
            break
    return line


def _uncounted(report: Report, shown: Shown) -> list[tuple[str, Counter[str]]]:
    """Words and rules of each kind of verdict that is not shown in full."""
    kinds: dict[Severity | Outcome, Counter[str]] = {}
    accepted: Counter[str] = Counter()
    unreached = () if shown.verbose else (Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)
    for verdict in (v for file in report.files for v in file.verdicts):
        if verdict.baselined:
            accepted[verdict.rule] += 1
        elif verdict.outcome is Outcome.FAIL and not shown.in_full(verdict):
            kinds.setdefault(verdict.severity, Counter())[verdict.rule] += 1
        elif verdict.outcome in unreached:
            kinds.setdefault(verdict.outcome, Counter())[verdict.rule] += 1
    counted = [
        (_counted(kind, kinds[kind].total()), kinds[kind]) for kind in KINDS if kind in kinds
    ]
    return [*counted, (f"{accepted.total():,} baselined", accepted)] if accepted else counted


def _counted(kind: Severity | Outcome, amount: int) -> str:
    if kind in (Severity.INFORMATION, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE):
        return f"{amount:,} {kind.replace('-', ' ')}"
    return count(amount, kind)


def _rules(codes: Counter[str], named: int) -> str:
    """The rules with most verdicts, and how many each has where it has several."""
    ordered = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    shown = [code if amount == 1 else f"{code} ×{amount:,}" for code, amount in ordered[:named]]
    if not shown:
        return ""
    return f" ({', '.join(shown)}{', …' if len(codes) > named else ''})"


def statistics(report: Report) -> Iterator[str]:
    """A line for each rule and what became of it, but for passes: how often, and in how many files.

    Findings come first, the worst and most frequent before the others.
    """
    amounts: Counter[tuple[Severity | Outcome, str, str]] = Counter()
    files: dict[tuple[Severity | Outcome, str, str], set[str]] = {}
    for file in report.files:
        for v in file.verdicts:
            if v.outcome is not Outcome.PASS and not v.baselined:
                failed = v.outcome is Outcome.FAIL
                kind: Severity | Outcome = v.severity if failed else v.outcome
                amounts[kind, v.rule, v.name] += 1
                files.setdefault((kind, v.rule, v.name), set()).add(file.path)
    rows = sorted(amounts.items(), key=lambda row: (KINDS.index(row[0][0]), -row[1], row[0][1]))
    digits = max((len(f"{amount:,}") for amount in amounts.values()), default=0)
    names = max((len(name) for _, _, name in amounts), default=0)
    for key, amount in rows:
        what, rule, name = key
        where = count(len(files[key]), "file")
        yield f"{amount:>{digits},}  {what.replace('-', ' '):<14}  {rule}  {name:<{names}}  {where}"


def exit_meaning(report: Report, shown: Shown) -> str | None:
    """What the exit code says, None where there is nothing to explain."""
    settings, code = report.run.settings, report.run.exit_code
    gate = f"--fail-on {settings.get('fail_on', 'error')}"
    if settings.get("strict"):
        gate += " --strict"
    if code == 130:
        return "interrupted (exit code 130)"
    if code == 2:
        problems = count(len(report.run.problems), "problem")
        return f"incomplete: {problems}, named on stderr (exit code 2)"
    if code == 1:
        return f"failed at {gate} (exit code 1)"
    if not finding_counts(report, shown):
        return None
    return "--exit-zero" if settings.get("exit_zero") else f"passed at {gate}"


def plural_of(verdicts: Iterable[Verdict]) -> str:
    """The noun for several verdicts: what they are about, if that is one kind of thing."""
    nouns = {PLURALS[verdict.target.kind] for verdict in verdicts}
    return nouns.pop() if len(nouns) == 1 else "checks"
