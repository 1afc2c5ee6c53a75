"""NUM003: float32 weights that hold what 16 bits hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec

from modlint.analysis.base import Analysis
from modlint.analysis.bits import TensorBits
from modlint.analysis.ends import TensorEnds
from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.bits import MOST_VALUES
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Verdict
from modlint_rules.numbers import UPCAST_STORAGE

_WEIGHTS, _ENDS = LayerWeights(MIN_STATISTICAL), TensorEnds()
_STATISTICS, _BITS = TensorStatistics(), TensorBits()
_LARGEST_HALF = 65504.0


class UpcastStorageOptions(Options, frozen=True):
    """How much of the weights must be upcast."""

    min_share: Annotated[
        float,
        msgspec.Meta(
            description="share of the non-zero elements whose low bits are all zero, from which"
            " the file is a finding",
            gt=0,
            le=1,
        ),
    ] = 0.5


class UpcastStorage(FileRule[UpcastStorageOptions], reference=UPCAST_STORAGE):
    """A file in float32 whose weights were bfloat16 or float16 before."""

    options_type = UpcastStorageOptions
    of_tensors = True

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Low bits and zeros of each layer weight, and whether its values are a grid."""
        return (_WEIGHTS, _STATISTICS, _BITS, _ENDS)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict on all layer weights in float32."""
        names = file.result(_WEIGHTS, file.checkpoint)
        tensors = file.checkpoint.tensors
        singles = [tensors[n] for n in sorted(names) if tensors[n].dtype.name == "float32"]
        target = whole_file(file.checkpoint)
        if not singles:
            yield self.not_applicable(target, "the file holds no float32 layer weight to judge")
            return
        judged, kind, share = self._judged(singles, file)
        values = {"share": share, "type": kind, "weights": len(judged)}
        limit = {"share": {"max": self.options.min_share}}
        if share < self.options.min_share:
            message = f"{share:.0%} of the elements of {count(len(judged), 'float32 weight')} fit"
            yield self.passed(target, f"{message} {kind}", values=values, limit=limit)
            return
        saved = sum(tensor.nbytes for tensor in singles) // 2
        yield self.failed(
            target,
            f"{share:.1%} of the elements of {count(len(judged), 'float32 weight')} are numbers of"
            f" {kind}: the weights were cast from it, and take {file_size(saved)} more than needed",
            help=f"save the weights in {kind}: nothing is lost, and the file is half as large",
            values={**values, "nbytes": saved},
            limit=limit,
        )

    def _judged(
        self, singles: Sequence[Tensor], file: Examination
    ) -> tuple[list[Tensor], str, float]:
        """The weights that tell of a cast, the type that they fit, and the share that does."""
        judged = [tensor for tensor in singles if self._tells(tensor, file)]
        kind, share = self._share(judged, file)
        if share >= self.options.min_share:
            judged = [tensor for tensor in judged if not file.result(_ENDS, tensor).grid]
            kind, share = self._share(judged, file)
        return judged, kind, share

    def _tells(self, tensor: Tensor, file: Examination) -> bool:
        """Whether low bits tell of a cast: few values, or none that is finite, do not."""
        statistics, bits = file.result(_STATISTICS, tensor), file.result(_BITS, tensor)
        if statistics.maximum is None:
            raise Unavailable(f"tensor {tensor.name}: none of its elements is finite")
        return bits.values >= MOST_VALUES

    def _share(self, tensors: Sequence[Tensor], file: Examination) -> tuple[str, float]:
        """The narrower type that holds most of the non-zero elements, and their share."""
        some = halves = brains = 0
        for tensor in tensors:
            statistics, bits = file.result(_STATISTICS, tensor), file.result(_BITS, tensor)
            some += statistics.elements - statistics.zeros
            brains += bits.low_16 - statistics.zeros
            reach = max(statistics.maximum or 0, -(statistics.minimum or 0))
            if not bits.tiny and reach <= _LARGEST_HALF:
                halves += bits.low_13 - statistics.zeros
        most = max(brains, halves)
        return "bfloat16" if brains >= 0.9 * most else "float16", most / max(some, 1)
