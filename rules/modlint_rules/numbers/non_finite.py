"""NUM001: NaN and infinities."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.tables import is_cell
from modlint.checkpoint import Role, Tensor
from modlint.results.statistics import Statistics
from modlint.rule import Examination, Options
from modlint.scopes import TensorRule
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.numbers import NON_FINITE
from modlint_rules.numbers.infinities import need_not_be_finite, non_finite_kinds

_STATISTICS = TensorStatistics()


class NonFinite(TensorRule[Options], reference=NON_FINITE):
    """Elements that are NaN or infinite."""

    analyses = (_STATISTICS,)
    listed = sys.maxsize  # each tells where the first of its elements is

    def subjects(self, file: Examination) -> Iterator[Tensor]:
        """All but the cells of tables, which are data: NaN says there that a cell is empty."""
        return (tensor for tensor in super().subjects(file) if not is_cell(tensor, file.checkpoint))

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where it is neither finite nor of a kind that need not be."""
        statistics = file.result(_STATISTICS, tensor)
        exempt = need_not_be_finite(tensor, statistics, file.checkpoint)
        return self._finding(tensor, statistics) if statistics.non_finite and not exempt else None

    def healthy(self, file: Examination, examined: int) -> Verdict:
        """The number of tensors, and of those that need not be finite."""
        exempt = sum(
            bool(statistics.non_finite)
            for tensor, statistics in file.results(_STATISTICS)
            if not is_cell(tensor, file.checkpoint)
        )
        finite = f"all elements are finite in {count(examined, 'tensor')}"
        return self.passed(
            whole_file(file.checkpoint),
            (finite if examined else "no tensor with numbers")
            + (f", attention masks and open ranges apart ({exempt:,})" if exempt else ""),
            values={"count": 0, "tensors": examined, "exempt": exempt},
            limit={"count": {"max": 0}},
        )

    def nothing(self, file: Examination) -> Verdict:
        """A file without tensors has none that is not finite; others were not examined."""
        tensors = file.checkpoint.tensors.values()
        if tensors and all(is_cell(tensor, file.checkpoint) for tensor in tensors):
            message = "the file holds tables of data, whose cells may be empty, and no weight"
            return self.not_applicable(whole_file(file.checkpoint), message)
        return self.unread(file, 0, {}) if file.checkpoint.tensors else self.healthy(file, 0)

    def _finding(self, tensor: Tensor, statistics: Statistics) -> Verdict:
        first = statistics.first_non_finite or 0
        position = unravel(first, tensor.shape)
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in non_finite_kinds(statistics).items() if n)
        state = tensor.role is Role.TRAINING_STATE
        values: dict[str, Any] = {
            "count": statistics.non_finite,
            "elements": statistics.elements,
            "share": statistics.non_finite / statistics.elements,
            "nan": statistics.nan,
            "positive_infinite": statistics.positive_infinite,
            "negative_infinite": statistics.negative_infinite,
            "first": first,
            "position": position,
        }
        return self.failed(
            of_tensor(tensor),
            f"{statistics.non_finite:,} of {count(statistics.elements, 'element')} not finite"
            f" ({kinds}), the first at {list(position)}",
            help="resuming from this state spreads them into the weights: reset the optimiser"
            if state
            else "go back to the last checkpoint without them, and look for what overflowed:"
            " the learning rate, half precision without loss scaling, log or division near 0",
            values=values,
            limit={"count": {"max": 0}},
            severity=Severity.WARNING if state else None,
        )


def unravel(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The position, along each axis of `shape`, of a row-major index."""
    position = []
    for size in reversed(shape):
        index, along = divmod(index, size)
        position.append(along)
    return tuple(reversed(position))
