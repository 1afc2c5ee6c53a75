"""FMT011: the same model in two files of a folder, and they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.analysis.siblings import SiblingDifferences
from modlint.results.siblings import SiblingDifference
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, listed, number
from modlint.verdict import Verdict
from modlint_rules.format import STALE_SIBLING


class StaleSiblingOptions(Options, frozen=True):
    """Options of FMT011."""

    tolerance: Annotated[
        float,
        msgspec.Meta(
            description="share of a tensor's largest magnitude that elements may differ by",
            ge=0,
            le=1,
        ),
    ] = 1e-6


class StaleSibling(FileRule[StaleSiblingOptions], reference=STALE_SIBLING):
    """Safetensors beside a PyTorch file of the same model that holds something else."""

    options_type = StaleSiblingOptions
    advice = "delete the one that is out of date, or write both again from the same model"

    def needs(self) -> tuple[Need, ...]:
        """The comparison."""
        return (SiblingDifferences(self.options.tolerance),)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for each file that is compared."""
        (comparison,) = self.needs()
        siblings = file.result(comparison, file.checkpoint)
        if not siblings:
            reason = "no safetensors with a PyTorch file of the same model beside them"
            yield self.not_applicable(whole_file(file.checkpoint), reason)
        for sibling in siblings:
            yield self._judged(sibling, file)

    def _judged(self, sibling: SiblingDifference, file: Examination) -> Verdict:
        target = whole_file(file.checkpoint)
        found = list(_differences(sibling))
        values = {
            "fault": sibling.file,
            "common": sibling.common,
            "compared": sibling.compared,
            "differing": len(sibling.differing),
            "largest": sibling.largest,
        }
        limit = {"largest": {"max": self.options.tolerance}}
        if found:
            which = "it depends on the loader which of the two is used"
            message = f"{sibling.file} differs, and {which}: {'; '.join(found)}"
            return self.failed(target, message, help=self.advice, values=values, limit=limit)
        if sibling.unread or not sibling.compared:
            named = f" ({listed(sibling.unread)})" if sibling.unread else ""
            reason = f"the elements of {sibling.file} could not all be compared{named}"
            return self.inconclusive(target, reason)
        casts = "".join(f", cast from {there} to {here}" for here, there in sibling.casts)
        message = f"{count(sibling.compared, 'tensor')} as in {sibling.file}{casts}"
        return self.passed(target, message, values=values, limit=limit)


def _differences(sibling: SiblingDifference) -> Iterator[str]:
    if sibling.only_here:
        yield f"it lacks {count(len(sibling.only_here), 'tensor')} ({listed(sibling.only_here)})"
    if sibling.only_there:
        names = listed(sibling.only_there)
        yield f"it alone holds {count(len(sibling.only_there), 'tensor')} ({names})"
    if sibling.reshaped:
        names = listed(sibling.reshaped)
        yield f"{count(len(sibling.reshaped), 'tensor')} of other shape ({names})"
    if sibling.differing:
        yield (
            f"{len(sibling.differing):,} of {count(sibling.compared, 'tensor')} hold other values "
            f"({listed(sibling.differing)}; by up to {number(sibling.largest)} of the largest)"
        )
