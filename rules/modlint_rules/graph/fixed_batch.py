"""GRF010: a free batch that a Reshape or a Squeeze inside the graph fixes."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.fixed_batch import OnnxBatchAxes
from modlint.results.dataflow import FixedBatch
from modlint.rule import Examination, Need, Options
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule
from modlint_rules.graph import FIXED_BATCH

_AXES = OnnxBatchAxes()


class FixedBatchAxis(OnnxGraphRule[Options], reference=FIXED_BATCH):
    """A model that says to take any batch, and takes one size only."""

    advice = (
        "take the size from the input (x.shape[0], or -1) in place of a number, and export again"
        " with dynamic_shapes or dynamic_axes"
    )

    def needs(self) -> tuple[Need, ...]:
        """The dataflow, and where the inputs' first axes go."""
        return (*super().needs(), _AXES)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each node."""
        axes = file.result(_AXES, file.checkpoint)
        target = whole_file(file.checkpoint)
        if not axes.free:
            yield self.not_applicable(target, "no input leaves the size of its first axis free")
        for found in axes.fixed:
            yield self.failed(
                Target("layer", found.node),
                f"input {found.input!r} leaves its first axis free{_named(found)}, {_fixes(found)}",
                help=self.advice,
                values={"input": found.input, "op": found.op, "target": list(found.target)},
            )

    def healthy(self, file: Examination) -> Verdict:
        """How many nodes were looked at."""
        axes = file.result(_AXES, file.checkpoint)
        followed = count(axes.reshapes, "Reshape or Squeeze", "Reshapes and Squeezes")
        return self.passed(
            whole_file(file.checkpoint),
            f"{count(len(axes.free), 'input')} with a free first axis, kept free by {followed}",
            values={"inputs": len(axes.free), "reshapes": axes.reshapes},
        )


def _named(found: FixedBatch) -> str:
    return f" ({found.symbol!r})" if found.symbol else ""


def _fixes(found: FixedBatch) -> str:
    if found.op == "Squeeze":
        return f"and Squeeze {found.node!r} removes it: any other size than 1 fails"
    shape = ", ".join(map(str, found.target))
    return f"and Reshape {found.node!r} makes [{shape}] of it: other sizes fail or are mixed up"
