"""Whether the thresholds of quantised activations are in order."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.analysis.onnx_check import OnnxGraph
from modlint.checkpoint import Checkpoint

_OPERATOR = "MultiThreshold"
_MOST = 1 << 24


class Thresholds(Struct, frozen=True):
    """What is known of one tensor of thresholds.

    Attributes:
        name: the tensor's.
        channels: number of its rows, a channel each.
        unsorted: rows in which a threshold lies below the one before it.
    """

    name: str
    channels: int
    unsorted: tuple[int, ...]


class ThresholdOrder(FileAnalysis["tuple[Thresholds, ...]"], frozen=True):
    """The thresholds of QONNX's MultiThreshold: a row per channel, which must ascend."""

    name: ClassVar[str] = "threshold-order"
    description: ClassVar[str] = "whether thresholds of QONNX activations ascend"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[Thresholds, ...]:
        """Read those that a node names.

        Raises:
            Unavailable: one cannot be read.
        """
        if not isinstance(checkpoint.graph, OnnxGraph):
            return ()
        names = {
            node.input[1]
            for node in checkpoint.graph.model.graph.node
            if node.op_type == _OPERATOR and len(node.input) > 1
        }
        return tuple(
            _of(tensor.name, inputs.stored(tensor.name))
            for tensor in checkpoint.tensors.values()
            if tensor.name in names and len(tensor.shape) == 2 and 0 < tensor.elements <= _MOST
        )


def _of(name: str, values: Any) -> Thresholds:
    falls = (values[:, 1:] < values[:, :-1]).any(1)
    return Thresholds(name, len(values), tuple(i for i, fall in enumerate(falls.tolist()) if fall))
