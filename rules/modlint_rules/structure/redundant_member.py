"""STR003: members of an ensemble, or experts of a mixture, that are one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis.members import RedundantMembers
from modlint.analysis.statistics import TensorStatistics
from modlint.results.members import MemberGroup
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, listed, printable
from modlint.verdict import Target, Verdict
from modlint_rules.structure import REDUNDANT_MEMBER

_STATISTICS = TensorStatistics()
_TOLD = 6


class RedundantMemberOptions(Options, frozen=True):
    """Options of STR003."""

    max_cosine: Annotated[
        float,
        Meta(
            description="mean absolute cosine of matched units above which members are alike",
            gt=0,
            lt=1,
        ),
    ] = 0.95
    min_fan_in: Annotated[
        int, Meta(description="weights in that a unit must have to be matched", ge=8)
    ] = 64


class RedundantMember(FileRule[RedundantMemberOptions], reference=REDUNDANT_MEMBER):
    """Members that are copies, empty, or copies in another order of their units."""

    options_type = RedundantMemberOptions
    of_tensors = True
    advice = (
        "initialise each member with a seed of its own, or perturb copies before they are trained;"
        " keep one of members that are the same"
    )

    def needs(self) -> tuple[Need, ...]:
        """The groups of members; statistics too, for it is values that it judges."""
        return (self._analysis, _STATISTICS)

    @property
    def _analysis(self) -> RedundantMembers:
        return RedundantMembers(self.options.max_cosine, self.options.min_fan_in)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each group with such members, or what was compared."""
        groups = file.result(self._analysis, file.checkpoint)
        findings = [v for v in map(self._group, groups) if v is not None]
        yield from findings
        target = whole_file(file.checkpoint)
        if not groups:
            yield self.not_applicable(target, "the file holds no members of an ensemble or mixture")
        elif not findings:
            members = sum(len(group.members) for group in groups)
            closest = max((g.closest for g in groups if g.closest is not None), default=None)
            compared = sum(group.compared for group in groups)
            told = f", of which units match to {closest:.2f} at most" if closest is not None else ""
            yield self.passed(
                target,
                f"{count(members, 'member')} in {count(len(groups), 'group')}, no two the"
                f" same; {count(compared, 'pair')} compared unit by unit{told}",
                values={
                    "members": members,
                    "groups": len(groups),
                    "compared": compared,
                    "closest": closest,
                },
            )

    def _group(self, group: MemberGroup) -> Verdict | None:
        told = list(self._told(group))
        if not told:
            return None
        copies = sum(len(same) - 1 for same in group.identical)
        return self.failed(
            Target("layer", group.name),
            f"of {count(len(group.members), 'member')} {'; '.join(told)}: they add cost, and"
            " nothing that the others do not say",
            help=self.advice,
            values={
                "members": len(group.members),
                "identical": [self._names(group, same) for same in group.identical],
                "collapsed": self._names(group, group.collapsed),
                "matched": [[*self._names(group, pair[:2]), pair[2]] for pair in group.matched],
                "redundant": copies + len(group.collapsed) + len(group.matched),
                "closest": group.closest,
            },
            limit={"closest": {"max": self.options.max_cosine}},
        )

    def _told(self, group: MemberGroup) -> Iterator[str]:
        for same in group.identical[:_TOLD]:
            yield f"{listed(self._names(group, same))} have the same weights"
        if group.collapsed:
            names = self._names(group, group.collapsed)
            yield f"{listed(names)} {'has' if len(names) == 1 else 'have'} a weight of zeros"
        for one, other, cosine in group.matched[:_TOLD]:
            pair = listed(self._names(group, (one, other)))
            yield f"{pair} have the same units in some order (mean cosine {cosine:.3f})"

    @staticmethod
    def _names(group: MemberGroup, places: tuple[int, ...]) -> list[str]:
        return [printable(group.members[i], 40) for i in places]
