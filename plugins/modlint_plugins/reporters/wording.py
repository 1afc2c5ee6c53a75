"""Words that the reporters for people share: where a finding is, and what the run came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modlint.report import FileReport, Report, Summary
from modlint.reporter import Shown
from modlint.text import count
from modlint.verdict import Outcome, Target, TargetKind, Verdict

UNITS_SHOWN = 10
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
    return (v for v in file.findings if not v.baselined and v in shown)


def hidden(report: Report, shown: Shown) -> int:
    """How many findings `--min-severity` and `--min-confidence` filter out."""
    live = (v for file in report.files for v in file.findings if not v.baselined)
    return sum(verdict not in shown for verdict in live)


def hidden_note(amount: int) -> str:
    """What is said of findings filtered out."""
    return f"{count(amount, 'finding')} hidden by --min-severity or --min-confidence"


def outcome_counts(summary: Summary) -> list[tuple[str, str]]:
    """Name and words of each count beside the passed that is not zero."""
    wanted = (
        (summary.error, "error", "errors"),
        (summary.warning, "warning", "warnings"),
        (summary.note, "note", "notes"),
        (summary.inconclusive, "inconclusive", "inconclusive"),
        (summary.baselined, "baselined", "baselined"),
    )
    return [(one, count(amount, one, many)) for amount, one, many in wanted if amount]


def inconclusive_rules(report: Report) -> list[str]:
    """Codes of the rules that reached no verdict somewhere."""
    verdicts = (v for file in report.files for v in file.verdicts)
    return sorted({v.rule for v in verdicts if v.outcome is Outcome.INCONCLUSIVE})


def exit_meaning(report: Report) -> str | None:
    """What the exit code says, None where there is nothing to explain."""
    summary, settings = report.summary, report.run.settings
    gate = f"--fail-on {settings.get('fail_on', 'error')}"
    if settings.get("strict"):
        gate += " --strict"
    if report.run.exit_code == 2:
        problems = count(len(report.run.problems), "problem")
        return f"incomplete: {problems}, named on stderr (exit code 2)"
    if report.run.exit_code == 1:
        return f"failed at {gate} (exit code 1)"
    return f"passed at {gate}" if summary.error + summary.warning + summary.note else None


def plural_of(verdicts: Iterable[Verdict]) -> str:
    """The noun for several verdicts: what they are about, if that is one kind of thing."""
    nouns = {PLURALS[verdict.target.kind] for verdict in verdicts}
    return nouns.pop() if len(nouns) == 1 else "checks"
