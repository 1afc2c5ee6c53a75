"""GRF006: external data that is missing, too short, or shared between tensors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from modlint.checkpoint import Checkpoint, Tensor
from modlint.rule import Examination, Options
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.base.onnx_graph import NO_GRAPH
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.graph import EXTERNAL_DATA

_KINDS = (
    "external-data-key",
    "external-data-overlap",
    "external-data-range",
    "missing-external-data",
)


class ExternalData(RemarkRule[Options], reference=EXTERNAL_DATA):
    """External data that does not hold what the model says."""

    kinds = dict.fromkeys(_KINDS, Severity.ERROR)
    sound = "all external data is there"
    advice = "fetch the model and its data files again, together"
    formats = frozenset({"onnx"})
    absent = NO_GRAPH

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """The reader's faults, and tensors that share bytes of an external file."""
        yield from super().judge(file)
        for first, second in _overlaps(file.checkpoint):
            yield self.failed(
                Target("tensor", second.name, member=second.storage.member),
                f"tensors {first.name!r} and {second.name!r} share bytes of"
                f" {second.storage.member!r}",
                help="export the model again: one of the two tensors is wrong",
                values={"kind": "external-data-overlap"},
            )


def _overlaps(checkpoint: Checkpoint) -> Iterator[tuple[Tensor, Tensor]]:
    """Neighbours in an external file that share some bytes; equal ranges are one shared tensor."""
    if checkpoint.format != "onnx":
        return
    spans = []
    for tensor in checkpoint.tensors.values():
        member, start = tensor.storage.member, tensor.storage.member_offset
        if member is not None and start is not None and tensor.storage.nbytes:
            spans.append(((member, start, start + tensor.storage.nbytes), tensor))
    spans.sort(key=lambda span: span[0])
    for (one, first), (two, second) in itertools.pairwise(spans):
        if one[0] == two[0] and two[1] < one[2] and one != two:
            yield first, second
