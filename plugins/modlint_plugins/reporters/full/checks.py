"""What a file's verdicts say of each rule: its worst verdict stands for the others."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modlint.reporter import Shown
from modlint.verdict import Outcome, Severity, Verdict
from modlint_plugins.reporters.full.canvas import (
    BASELINED_SYMBOL,
    OUTCOME_STYLES,
    OUTCOME_SYMBOLS,
    SEVERITY_STYLES,
    SEVERITY_SYMBOLS,
)
from modlint_plugins.reporters.full.measure import Measure, measures, strain
from modlint_plugins.reporters.wording import plural_of, where

NOTE = Severity.NOTE.rank


class Check(Struct, frozen=True):
    """The verdicts that one rule reached on a file; each is a pass or a finding."""

    verdicts: tuple[Verdict, ...]
    networks: int

    @property
    def failed(self) -> list[Verdict]:
        """The findings that were not accepted."""
        return [v for v in self.verdicts if v.outcome is Outcome.FAIL and not v.baselined]

    @property
    def worst(self) -> Verdict:
        """The verdict that weighs most, or comes closest to its limit."""
        candidates = self.failed or self.verdicts
        return max(candidates, key=lambda v: (v.severity.rank, strain(v)))

    @property
    def symbol(self) -> str:
        """What became of it, in one character."""
        if not self.failed and any(v.baselined for v in self.verdicts):
            return BASELINED_SYMBOL
        return (
            SEVERITY_SYMBOLS[self.worst.severity] if self.failed else OUTCOME_SYMBOLS[Outcome.PASS]
        )

    @property
    def style(self) -> str:
        """The colour that goes with the symbol."""
        if self.failed:
            return SEVERITY_STYLES[self.worst.severity]
        return "dim" if self.symbol == BASELINED_SYMBOL else OUTCOME_STYLES[Outcome.PASS]

    @property
    def suggested(self) -> bool:
        """Whether its limits are suggestions, which fail nothing."""
        return self.worst.severity is Severity.INFORMATION and bool(self.worst.limit)

    def measured(self) -> list[Measure]:
        """The measurements worth a line: of a failed check those beyond their limit.

        A single pass whose limits are all zero measured zeros; its message says more.
        """
        found = measures(self.worst)
        if self.failed:
            return [measure for measure in found if measure.strain > 1] or found
        if len(self.verdicts) == 1 and not any(measure.scaled for measure in found):
            return []
        return found

    def words(self) -> str:
        """What to say where nothing was measured against a limit."""
        if self.failed:
            place = where(self.worst.target, self.networks)
            return self._amount(self.failed) if len(self.failed) > 1 else place or "see below"
        messages = {verdict.message for verdict in self.verdicts}
        return messages.pop() if len(messages) == 1 else self._amount(self.verdicts)

    def note(self, shown: Shown) -> str:
        """What the worst measurement leaves out."""
        hidden = sum(v.severity.rank > NOTE and not shown.in_full(v) for v in self.failed)
        baselined = sum(verdict.baselined for verdict in self.verdicts)
        parts = (
            self._spread(),
            f"{hidden:,} hidden" if hidden else "",
            f"{baselined:,} baselined" if baselined else "",
        )
        return ", ".join(part for part in parts if part)

    def _spread(self) -> str:
        """How the worst verdict stands among the others."""
        if len(self.verdicts) == 1 or not self.worst.limit:
            return ""
        amount = self._amount(self.verdicts)
        if self.failed:
            return f"{len(self.failed):,} of {amount}"
        if len({strain(verdict) for verdict in self.verdicts}) == 1:
            return f"each of {amount}"
        return f"{where(self.worst.target, self.networks)}, worst of {amount}"

    def _amount(self, verdicts: Sequence[Verdict]) -> str:
        return f"{len(verdicts):,} {plural_of(verdicts)}"


def checks(verdicts: Sequence[Verdict], networks: int) -> list[Check]:
    """One check for each rule that reached a verdict, in the order of the codes."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in sorted(verdicts, key=lambda verdict: verdict.rule):
        if verdict.outcome in (Outcome.PASS, Outcome.FAIL):
            groups.setdefault(verdict.rule, []).append(verdict)
    return [Check(tuple(group), networks) for group in groups.values()]
