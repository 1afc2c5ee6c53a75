"""What the page shows of two checkpoints side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from modlint.difference import Difference, LoneTensor, TensorChange
from modlint.verdict import Severity, Verdict

MOST = 2_000
"""Rows of a table; the others are counted."""
_KEPT = ("identical", "cast", "rounded")


class Change(Struct, frozen=True):
    """A tensor beside its counterpart; `share` is its drift of the largest, in hundredths."""

    change: TensorChange
    names: str
    what: str
    share: float
    hidden: bool


class DifferenceView:
    """All that is shown."""

    def __init__(self, difference: Difference) -> None:
        changes = sorted(difference.changes, key=_gravity)
        largest = max((change.relative or 0.0 for change in changes), default=0.0) or 1.0
        self.kinds = Counter(change.kind for change in changes).most_common()
        self.changes = [_change(change, largest) for change in changes[:MOST]]
        self.left_out = max(0, len(changes) - MOST)
        self.changed = sum(change.kind not in _KEPT for change in changes)
        self.alone = list(_alone(difference))
        self.regressions = difference.regressions[:MOST]
        self.severities = Counter(str(r.severity) for r in difference.regressions)
        self.found = [("gained", v) for v in difference.gained if _weighs(v)]
        self.found += [("lost", v) for v in difference.lost if _weighs(v)]
        self.found = self.found[:MOST]


def _weighs(verdict: Verdict) -> bool:
    return verdict.severity.rank >= Severity.NOTE.rank


def _gravity(change: TensorChange) -> tuple[bool, bool, float]:
    return not change.regression, change.kind in _KEPT, -(change.relative or 0.0)


def _change(change: TensorChange, largest: float) -> Change:
    names = change.old if change.old == change.new else f"{change.old} → {change.new}"
    types = dict.fromkeys((change.old_dtype, change.new_dtype))
    shapes = dict.fromkeys(
        "×".join(map(str, shape)) for shape in (change.old_shape, change.new_shape)
    )
    what = f"{' → '.join(types)} [{' → '.join(shapes)}]"
    share = round(100 * min((change.relative or 0.0) / largest, 1.0), 1)
    return Change(change, names, what, share, change.kind in _KEPT)


def _alone(difference: Difference) -> Iterator[tuple[str, LoneTensor]]:
    for label, tensors in (("dropped", difference.dropped), ("added", difference.added)):
        for tensor in tensors[:MOST]:
            yield label, tensor
