"""Whether an ONNX model is valid: its structure, onnx.checker, and strict shape inference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from msgspec import Struct

from modlint.analysis.base import FileAnalysis
from modlint.checkpoint import Tensor

Kind = Literal[
    # a runtime refuses the model
    "invalid",  # a node, a type or a function that no runtime accepts
    "inference",  # types or shapes contradict one another
    "undefined",  # a name that nothing defines is read
    "unsorted",  # a name is read before it is defined, in a subgraph or a function
    "cycle",  # nodes wait for one another
    "duplicate",  # a name is defined twice
    "duplicate-node-name",
    "recursive",  # functions call one another without end, or too often
    "unknown-operator",  # of the standard's domains, in which nobody else may add one
    # runtimes load it
    "out-of-order",  # a name of the main graph is read before it is defined
    "stated-shape",  # a shape that the file states is not the one that inference finds
    "nonconforming",  # onnx.checker refuses it
    "no-nodes",
    "no-shape",
    "custom-operator",
    "unknown-domain",
]

REFUSED: frozenset[Kind] = frozenset(
    (
        "invalid",
        "inference",
        "undefined",
        "unsorted",
        "cycle",
        "duplicate",
        "duplicate-node-name",
        "recursive",
        "unknown-operator",
    )
)
"""What onnxruntime refuses while it parses, resolves or checks the types of a model."""


@runtime_checkable
class OnnxGraph(Protocol):
    """What the ONNX reader leaves in `Checkpoint.graph`.

    Attributes:
        model: the ModelProto; its tensors hold no elements.
    """

    model: Any

    def constant(self, proto: Any) -> Tensor | None:
        """The tensor of any TensorProto of the model, None where it cannot be read."""
        ...

    def strings(self, proto: Any) -> Iterator[bytes]:
        """The elements of a TensorProto of strings, as the file holds them."""
        ...


class Problem(Struct, frozen=True):
    """Something wrong with a graph.

    Attributes:
        kind: what sort of thing.
        message: one sentence.
        node: name of the node concerned, if any.
    """

    kind: Kind
    message: str
    node: str | None = None


class OnnxValidity(Struct, frozen=True):
    """What is wrong with a model.

    Attributes:
        problems: in the graph's order.
        nodes: number of nodes, those of subgraphs and functions included.
        inferred: whether strict shape inference ran: it does where nothing else is wrong.
    """

    problems: tuple[Problem, ...]
    nodes: int
    inferred: bool


class OnnxCheck(FileAnalysis[OnnxValidity], frozen=True):
    """onnx.checker and strict shape inference on the model without its weights.

    A plugin computes it: modlint's own is `modlint_plugins.onnx_check`.
    """

    name: ClassVar[str] = "onnx-check"
    description: ClassVar[str] = "onnx.checker, strict shape inference, dangling nodes"
    by_plugin: ClassVar[bool] = True
