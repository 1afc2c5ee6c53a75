"""GRF004: an operator set older than a runtime promises to load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.verdict import Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule
from modlint_rules.graph import OLD_OPSET

Runtime = Literal["onnxruntime", "tensorrt"]
OLDEST: dict[Runtime, int] = {"onnxruntime": 7, "tensorrt": 9}
"""By runtime, the oldest opset that it promises to load."""


class OldOpsetOptions(Options, frozen=True):
    """Options of GRF004."""

    runtime: Annotated[
        Runtime | None, msgspec.Meta(description="runtime that the model is for")
    ] = None
    min_opset: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        msgspec.Meta(description="oldest opset that is accepted, in place of the runtime's"),
    ] = None


class OldOpset(OnnxGraphRule[OldOpsetOptions], reference=OLD_OPSET):
    """A model that a runtime no longer promises to load."""

    options_type = OldOpsetOptions
    advice = "convert it with onnx.version_converter.convert_version, or export it again"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict, where a runtime is configured."""
        target, oldest = whole_file(file.checkpoint), self._oldest()
        opset = self.flow(file).opsets.get("")
        if oldest is None:
            message = "no runtime is configured (rules.old-opset: runtime or min-opset)"
            yield self.not_applicable(target, message)
        elif opset is None:
            yield self.not_applicable(target, "the model uses none of ONNX's own operators")
        else:
            runtime = self.options.runtime if self.options.min_opset is None else None
            yield self.decided(
                target,
                f"opset {opset}; {runtime or 'the configured runtime'} loads {oldest} and later",
                passes=opset >= oldest,
                help=self.advice,
                values={"opset": opset},
                limit={"opset": {"min": oldest}},
            )

    def _oldest(self) -> int | None:
        if self.options.min_opset is not None:
            return self.options.min_opset
        return None if self.options.runtime is None else OLDEST[self.options.runtime]
