"""NUM001: NaN and infinities."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import OnnxGraph
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

_STATISTICS = TensorStatistics()
_MASK_NAMES = ("mask", "alibi")
_PARAMETERS = ("weight", "kernel", "bias", "gamma", "beta", "running_mean", "running_var")
_RECURRENT = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_BEST = ("best", "kth_value")
_NO_BOUND = {"min_val": "+inf", "max_val": "-inf", "low": "-inf", "high": "+inf"}


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
        exempt = (
            _is_mask(tensor, statistics)
            or _is_open_range(tensor, statistics)
            or _is_best_so_far(tensor, statistics)
            or (isinstance(file.checkpoint.graph, OnnxGraph) and _is_bound(tensor, statistics))
        )
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
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in _kinds(statistics).items() if n)
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


def _kinds(statistics: Statistics) -> dict[str, int]:
    return {
        "NaN": statistics.nan,
        "+inf": statistics.positive_infinite,
        "-inf": statistics.negative_infinite,
    }


def _is_mask(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is an additive attention mask: −inf forbids, what is allowed adds 0 or less."""
    if statistics.non_finite != statistics.negative_infinite or statistics.maximum is None:
        return False
    last = _last(tensor)
    if statistics.minimum == statistics.maximum == 0:
        return last not in _PARAMETERS and not last.startswith(_RECURRENT)
    return statistics.maximum <= 0 and last.endswith(_MASK_NAMES)


def _is_open_range(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is one side of a range that leaves elements unbounded, or has seen no data."""
    expected = _NO_BOUND.get(_last(tensor).removesuffix("s"))
    return expected is not None and _kinds(statistics)[expected] == statistics.non_finite


def _is_best_so_far(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is the best score that a callback has seen, infinite before there is one."""
    state = tensor.role is Role.TRAINING_STATE
    one = state and statistics.elements == 1 and not statistics.nan
    return one and _last(tensor).startswith(_BEST)


def _is_bound(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is the infinity that a graph fills with, or begins a maximum with."""
    one = statistics.elements == 1 and not statistics.nan
    return one and not _last(tensor).startswith(_PARAMETERS)


def _last(tensor: Tensor) -> str:
    return tensor.name.rpartition(".")[2].lower()
