"""What the ONNX reader hands to the graph builder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from modlint.checkpoint import Tensor
from modlint_plugins.readers.onnx.external import Fault
from modlint_plugins.readers.onnx.payload import runs
from modlint_plugins.readers.onnx.tensors import TensorSource


class OnnxGraph(Struct, frozen=True, eq=False):
    """A model's structure.

    Attributes:
        model: the ModelProto; its tensors hold no elements, only where to find them.
        source: finds them.
    """

    model: Any
    source: TensorSource

    def constant(self, proto: Any) -> Tensor | None:
        """The tensor of any TensorProto of the model, None where it cannot be read."""
        try:
            return self.source.tensor(proto, "constant")
        except Fault:
            return None

    def strings(self, proto: Any) -> Iterator[bytes]:
        """The elements of a TensorProto of strings, as the file holds them."""
        for start, end in runs(self.source.spans, proto.string_data):
            yield bytes(self.source.view[start:end])
