"""NUM011: one role, several float types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from modlint.analysis.base import Analysis
from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.weight_names import role_of
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.numbers import MIXED_DTYPES

_WEIGHTS, _STATISTICS = LayerWeights(), TensorStatistics()
_TYPES = frozenset({"float64", "float32", "float16", "bfloat16"})


class MixedDtypes(FileRule[Options], reference=MIXED_DTYPES):
    """Layers that were saved in another type than the same ones beside them."""

    of_tensors = True
    advice = "cast the weights of all layers to one type"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are layer weights, and that they hold numbers."""
        return (_WEIGHTS, _STATISTICS)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """A finding for each role of several types."""
        target = whole_file(file.checkpoint)
        roles: dict[tuple[str, int], list[Tensor]] = defaultdict(list)
        names = file.result(_WEIGHTS, file.checkpoint)
        for tensor in file.checkpoint.tensors.values():
            if tensor.name in names and tensor.dtype.name in _TYPES:
                if file.result(_STATISTICS, tensor).maximum is None:
                    raise Unavailable(f"tensor {tensor.name}: none of its elements is finite")
                roles[role_of(tensor.name), len(tensor.shape)].append(tensor)
        repeated = [group for group in roles.values() if len(group) > 1]
        if not repeated:
            yield self.not_applicable(target, "no two layer weights have the same role")
            return
        mixed = [group for group in repeated if len({t.dtype.name for t in group}) > 1]
        yield from map(self._finding, mixed)
        if not mixed:
            message = f"{count(len(repeated), 'role')} of layer weights, each of one type"
            yield self.passed(target, message, values={"roles": len(repeated)})

    def _finding(self, group: list[Tensor]) -> Verdict:
        """Of one role: which type is rare, and where."""
        types = Counter(tensor.dtype.name for tensor in group)
        (common, _), *rare = types.most_common()
        odd = next(tensor for tensor in group if tensor.dtype.name != common)
        told = ", ".join(f"{number:,} in {name}" for name, number in types.most_common())
        return self.failed(
            of_tensor(odd),
            f"{odd.dtype.name}, where others of its role are {common} ({told}): layers compute at"
            " different precision, and code that expects one type fails",
            help=self.advice,
            values={"weights": len(group), "rare": sum(number for _, number in rare)},
            limit={"rare": {"max": 0}},
        )
