"""NUM010: weights of another scale than those of their role in other layers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Annotated, Any

import msgspec

from modlint.analysis.base import Analysis
from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.weight_names import is_adapter_factor, place_of
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.numbers import UNLIKE_ITS_SIBLINGS

_WEIGHTS, _STATISTICS = LayerWeights(MIN_STATISTICAL), TensorStatistics()
_RARE = 10
"""Of so many siblings one may be unlike: what many share is a kind of its own."""
_APART = 2.0
"""Ratio to the next sibling: what runs on without a gap is a broad distribution."""
_SPREADS = 3.0 * 1.4826
"""Median deviations of the logarithms within which a broad distribution lies: three σ of it."""


class UnlikeItsSiblingsOptions(Options, frozen=True):
    """How unlike, and among how many."""

    max_ratio: Annotated[
        float,
        msgspec.Meta(
            description="root mean square, relative to the median of the siblings, above which, and"
            " below whose inverse, a weight is a finding",
            gt=1,
        ),
    ] = 5.0
    min_siblings: Annotated[
        int, msgspec.Meta(description="weights of one role and shape that are compared", ge=3)
    ] = 4


class UnlikeItsSiblings(FileRule[UnlikeItsSiblingsOptions], reference=UNLIKE_ITS_SIBLINGS):
    """A layer that was scaled, merged or loaded in another way than the others."""

    options_type = UnlikeItsSiblingsOptions
    of_tensors = True
    advice = "compare the layer with the checkpoint that it came from: a merge, a cast or a copy"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Moments of each layer weight."""
        return (_WEIGHTS, _STATISTICS)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """A finding for each weight that stands out, or what was compared."""
        groups = self._groups(file)
        target = whole_file(file.checkpoint)
        if not groups:
            message = f"no {self.options.min_siblings} weights of one role to compare"
            yield self.not_applicable(target, message)
            return
        sizes = [{t.name: self._size(t, file) for t in group} for group in groups]
        found = [verdict for group in sizes for verdict in self._findings(group, file)]
        yield from found
        if not found:
            ratios = [ratio for group in sizes for ratio in _ratios(group).values()]
            roles = count(len(groups), "role")
            message = f"{count(sum(map(len, groups)), 'weight')} of {roles}, all alike within it"
            values = {
                "weights": sum(map(len, groups)),
                "ratio": max(ratios, key=_extent, default=1),
            }
            yield self.passed(target, message, values=values)

    def _groups(self, file: Examination) -> list[list[Tensor]]:
        """Layer weights by role and shape, of enough siblings."""
        groups: dict[Any, list[Tensor]] = defaultdict(list)
        names = file.result(_WEIGHTS, file.checkpoint)
        for tensor in file.checkpoint.tensors.values():
            if tensor.name in names and not is_adapter_factor(tensor.key):
                groups[place_of(tensor.name), tensor.shape].append(tensor)
        return [group for group in groups.values() if len(group) >= self.options.min_siblings]

    def _size(self, tensor: Tensor, file: Examination) -> float:
        size = file.result(_STATISTICS, tensor).rms
        if size is None:
            raise Unavailable(f"tensor {tensor.name}: none of its elements is finite")
        return size

    def _findings(self, sizes: Mapping[str, float], file: Examination) -> Iterator[Verdict]:
        """Those few of one role that lie apart from all others."""
        ratios = _ratios(sizes)
        limit = self.options.max_ratio
        unlike = {name: ratio for name, ratio in ratios.items() if _extent(ratio) > limit}
        if len(unlike) > max(1, len(ratios) // _RARE):
            return
        alike = [ratio for name, ratio in ratios.items() if name not in unlike]
        spread = _SPREADS * median(abs(math.log(ratio)) for ratio in ratios.values())
        for name, ratio in unlike.items():
            nearest = max(alike) if ratio > 1 else min(alike)
            if _extent(ratio / nearest) >= _APART and abs(math.log(ratio)) > spread:
                yield self._finding(file.checkpoint.tensors[name], ratio, len(sizes) - 1)

    def _finding(self, tensor: Tensor, ratio: float, siblings: int) -> Verdict:
        limit = self.options.max_ratio
        size, effect = "larger", "what it computes drowns what they do"
        if ratio < 1:
            size, effect = "smaller", "what it computes is lost beside what they do"
        return self.failed(
            of_tensor(tensor),
            f"its elements are {_extent(ratio):.3g} times {size} than the median of {siblings:,}"
            f" weights of the same role in other layers: {effect}",
            help=self.advice,
            values={"ratio": ratio, "siblings": siblings},
            limit={"ratio": {"max": limit, "min": 1 / limit}},
        )


def _ratios(sizes: Mapping[str, float]) -> dict[str, float]:
    """By name, the size relative to the median of those that are not zero."""
    some = {name: size for name, size in sizes.items() if size > 0}
    middle = median(some.values()) if some else 1.0
    return {name: size / middle for name, size in some.items()}


def _extent(ratio: float) -> float:
    """How many times larger or smaller."""
    return max(ratio, 1 / ratio) if ratio else math.inf
