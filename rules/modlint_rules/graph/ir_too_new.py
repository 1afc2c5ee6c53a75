"""GRF008: an IR version that runtimes of the model's own opset refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.results.dataflow import Dataflow
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.verdict import Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule
from modlint_rules.graph import IR_TOO_NEW

FIRST_OPSETS = {
    3: 1,
    4: 9,
    5: 10,
    6: 11,
    7: 12,
    8: 15,
    9: 19,
    10: 21,
    11: 23,
    12: 24,
    13: 25,
    14: 28,
}
"""By IR version, the first opset of a release with it (onnx.helper.VERSION_TABLE)."""
FIRST_ML_OPSETS = {3: 1, 6: 2, 8: 3, 9: 4, 10: 5}
"""The same of the domain ai.onnx.ml."""
_OF_TYPES = {
    9: ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"),
    10: ("int4", "uint4"),
    11: ("float4_e2m1fn",),
    12: ("float8_e8m0fnu",),
    13: ("int2", "uint2"),
    14: ("float6_e2m3fn", "float6_e3m2fn"),
}
"""Element types by the IR version that has them first."""
_OF_FUNCTIONS = 8


class IrTooNewOptions(Options, frozen=True):
    """Options of GRF008."""

    max_ir: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        msgspec.Meta(description="newest IR version that the runtime loads"),
    ] = None
    max_lead: Annotated[
        int,
        msgspec.Meta(description="IR versions that the file may be ahead of what it needs", ge=0),
    ] = 4


class IrTooNew(OnnxGraphRule[IrTooNewOptions], reference=IR_TOO_NEW):
    """A model that states a newer format than it needs."""

    options_type = IrTooNewOptions

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        flow = self.flow(file)
        if not flow.opsets.keys() & {"", "ai.onnx.ml"} and self.options.max_ir is None:
            yield self.not_applicable(
                whole_file(file.checkpoint), "the model imports no operator set of a known release"
            )
            return
        needed, most = _needed(flow), self.options.max_ir
        limit = needed + self.options.max_lead
        limit = limit if most is None else min(limit, most)
        what = f"IR version {flow.ir_version}; its opsets and types need {needed}"
        yield self.decided(
            whole_file(file.checkpoint),
            f"{what}: a runtime that knows them and no newer format refuses the file"
            if flow.ir_version > limit
            else what,
            passes=flow.ir_version <= limit,
            help=f"set model.ir_version = {needed} with onnx and save it again",
            values={"ir_version": flow.ir_version, "needed": needed},
            limit={"ir_version": {"max": limit}},
        )


def _needed(flow: Dataflow) -> int:
    """The oldest IR version of a release that has the model's opsets, types and functions."""
    needed = max(
        _first(flow.opsets.get("", 1), FIRST_OPSETS),
        _first(flow.opsets.get("ai.onnx.ml", 1), FIRST_ML_OPSETS),
    )
    types = {constant.dtype for _, constant in flow.constants()}
    types |= {port.dtype for body in flow.bodies for port in (*body.inputs, *body.outputs)}
    needed = max(needed, *(ir for ir, names in _OF_TYPES.items() if types & {*names}), 0)
    functions = any(body.kind == "function" for body in flow.bodies)
    return max(needed, _OF_FUNCTIONS) if functions else needed


def _first(opset: int, table: dict[int, int]) -> int:
    return max((ir for ir, first in table.items() if first <= opset), default=min(table))
