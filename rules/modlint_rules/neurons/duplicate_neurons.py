"""NEU005: units of a layer that compute the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis.duplicate_rows import DuplicateUnits
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.results.duplicate_units import DuplicateGroups
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.neurons import DUPLICATE_NEURONS

_LISTED = 8
"""Units of a group, and groups, that a message names."""


class DuplicateNeuronsOptions(Options, frozen=True):
    """Options of NEU005."""

    max_cosine: Annotated[
        float,
        Meta(description="cosine of [weights, bias] above which two units are one", ge=0.9, lt=1),
    ] = 0.999
    min_fan_in: Annotated[
        int, Meta(description="weights in that a unit must have to be compared", ge=8)
    ] = 64


class DuplicateNeurons(FileRule[DuplicateNeuronsOptions], reference=DUPLICATE_NEURONS):
    """Units that could be one: their weights in point the same way."""

    options_type = DuplicateNeuronsOptions
    of_tensors = True
    advice = (
        "keep one unit of each group and add the weights out of the others to its own, scaled by"
        " the ratio of their lengths; if a whole layer is alike, it was initialised to a constant"
    )

    def needs(self) -> tuple[Need, ...]:
        """The groups of each layer, and whether its weights are finite."""
        return (self._analysis, TensorStatistics())

    @property
    def _analysis(self) -> DuplicateUnits:
        return DuplicateUnits(self.options.min_fan_in, self.options.max_cosine)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each layer, or what was compared."""
        results = file.result(self._analysis, file.checkpoint)
        tensors = file.checkpoint.tensors
        units, unread, found = 0, list[str](), list[Verdict]()
        for name, result in results.items():
            if isinstance(result, str):
                unread.append(f"{name}: {result}")
            else:
                units += result.compared
                found += [self._layer(tensors[name], result)] if result.groups else []
        yield from found
        target = whole_file(file.checkpoint)
        if unread:
            message = (
                f"{len(unread):,} of {count(len(results), 'layer')} not compared ({unread[0]})"
            )
            yield self.inconclusive(target, message)
        elif not results:
            message = f"no layer of units with {self.options.min_fan_in} weights in or more"
            yield self.not_applicable(target, message)
        elif not found:
            message = f"{count(units, 'unit')} in {count(len(results), 'layer')}, no two alike"
            yield self.passed(target, message, values={"units": units, "duplicates": 0})

    def _layer(self, tensor: Tensor, result: DuplicateGroups) -> Verdict:
        superfluous = sum(len(group) - 1 for group in result.groups)
        told = "; ".join(map(_told, result.groups[:_LISTED]))
        more = len(result.groups) - _LISTED
        indices = tuple(sorted(unit for group in result.groups for unit in group))
        return self.failed(
            Target("units", tensor.name, units=indices),
            f"{superfluous:,} of {count(result.units, 'unit')} repeat another, with a cosine of"
            f" their weights above {self.options.max_cosine:g}"
            f" ({told}{f'; {more:,} more groups' if more > 0 else ''}): they could be merged",
            help=self.advice,
            values={
                "duplicates": superfluous,
                "units": result.units,
                "groups": result.groups[:100],
            },
            limit={"duplicates": {"max": 0}},
        )


def _told(group: tuple[int, ...]) -> str:
    units = ", ".join(map(str, group[:_LISTED]))
    return units + (f", … {len(group):,} in all" if len(group) > _LISTED else "")
