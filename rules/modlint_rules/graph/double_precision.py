"""GRF011: weights in double precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule, shown
from modlint_rules.graph import DOUBLE_PRECISION

_SINGLE = frozenset({"float32", "float16", "bfloat16"})


class DoublePrecisionOptions(Options, frozen=True):
    """Options of GRF011."""

    min_elements: Annotated[
        int, msgspec.Meta(description="fewer elements of a constant are no matter", ge=1)
    ] = 1024


class DoublePrecision(OnnxGraphRule[DoublePrecisionOptions], reference=DOUBLE_PRECISION):
    """Constants of float64, which take twice the space and most accelerators do not compute in."""

    options_type = DoublePrecisionOptions
    advice = "convert the model to float32 before exporting (model.float())"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        flow = self.flow(file)
        real = [c for _, c in flow.constants() if c.dtype in {"float64", *_SINGLE}]
        found = [
            constant
            for constant in real
            if constant.dtype == "float64"
            and math.prod(constant.shape) >= self.options.min_elements
        ]
        others = any(constant.dtype in _SINGLE for constant in real)
        some = f"{count(len(found), 'constant')} of float64 ({shown(c.name for c in found)})"
        size = file_size(sum(constant.nbytes for constant in found))
        where = "in a graph that else computes in less" if others else "throughout the graph"
        yield self.decided(
            whole_file(file.checkpoint),
            f"{some}, {size}, {where}: twice the space, and slow or refused on accelerators"
            if found
            else f"{count(len(real), 'floating constant')}, none large of float64",
            passes=not found,
            help=self.advice,
            values={"constants": len(found), "min_elements": self.options.min_elements},
            limit={"constants": {"max": 0}},
        )
