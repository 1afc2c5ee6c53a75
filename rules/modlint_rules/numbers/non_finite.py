"""NUM001: NaN and infinities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Role, Tensor
from modlint.results.statistics import Statistics
from modlint.rule import Examination, Need, Options, Rule
from modlint.text import count
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.targets import if_examined, whole_file

_STATISTICS = TensorStatistics()
_MASK_NAMES = ("mask", "alibi")
_PARAMETERS = ("weight", "kernel", "bias", "gamma", "beta", "running_mean", "running_var")
_RECURRENT = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_NO_BOUND = {"min_val": "+inf", "max_val": "-inf", "low": "-inf", "high": "+inf"}


class NonFinite(Rule[Options]):
    """Elements that are NaN or infinite."""

    code = "NUM001"
    name = "non-finite"
    summary = "a tensor holds NaN or infinite elements"
    severity = Severity.ERROR
    source = "IEEE 754-2019, section 6: NaN and infinity propagate through every later operation"

    def needs(self) -> tuple[Need, ...]:
        """Statistics of each tensor."""
        return (_STATISTICS,)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each tensor concerned, or one passing verdict for the file."""
        examined = exempt = failed = 0
        for tensor, statistics in file.tensors(_STATISTICS):
            examined += 1
            if not statistics.non_finite:
                continue
            if _is_mask(tensor, statistics) or _is_open_range(tensor, statistics):
                exempt += 1
                continue
            failed += 1
            yield self._finding(tensor, statistics)
        if not failed:
            yield self._summary(file, examined, exempt)

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
            Target("tensor", tensor.name),
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

    def _summary(self, file: Examination, examined: int, exempt: int) -> Verdict:
        target = whole_file(file.checkpoint)
        total = len(file.checkpoint.tensors)
        if total and not examined:
            return self.inconclusive(
                target, f"none of its {count(total, 'tensor')} could be examined"
            )
        unread = [
            (name, reason)
            for name, reason in file.unexamined.items()
            if _STATISTICS.accepts(file.checkpoint.tensors[name])
        ]
        if unread:
            name, reason = unread[0]
            return self.inconclusive(
                target,
                f"{len(unread):,} of {count(total, 'tensor')} could not be examined"
                f" ({name}: {reason})",
            )
        finite = f"all elements are finite in {count(examined, 'tensor')}"
        apart = f", attention masks and open ranges apart ({exempt:,})" if exempt else ""
        passed = self.passed(
            target,
            f"{finite}{apart}",
            values={"count": 0, "tensors": examined, "exempt": exempt},
            limit={"count": {"max": 0}},
        )
        return if_examined(self, file.checkpoint, passed)


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


def _last(tensor: Tensor) -> str:
    return tensor.name.rpartition(".")[2].lower()
