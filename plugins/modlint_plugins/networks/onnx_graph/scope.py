"""What a walk knows: the file, and the values of the graph that it is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Set
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from modlint.checkpoint import Tensor
from modlint_plugins.networks.flow.nodes import CallNode
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.onnx_graph.nodes import Node, domain_of
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.networks.onnx_graph.values import Result, Value
from modlint_plugins.readers.onnx.types import text

if TYPE_CHECKING:
    from modlint_plugins.readers.onnx.graph import OnnxGraph

Values = MutableMapping[str, "Value | Refused"]


class Declared(Protocol):
    """Shapes that the file declares for values."""

    def get(self, name: str) -> tuple[int, ...] | None:
        """The shape of a value, None where the file does not tell."""
        ...


class Model(Struct, frozen=True, eq=False):
    """What a walk needs of the file.

    Attributes:
        graph: the ModelProto and where its tensors are.
        tensors: the file's tensors by name.
        functions: FunctionProtos by domain and name.
        handlers: by domain and operator.
        declared: shapes that the file declares for values.
        opset: version of ONNX's own operators.
    """

    graph: OnnxGraph
    tensors: Mapping[str, Tensor]
    functions: Mapping[tuple[str, str], Any]
    handlers: Mapping[tuple[str, str], Callable[[Any], Result]]
    declared: Declared
    opset: int

    def constant(self, proto: Any, name: str, scope: str) -> Static | Refused:
        """A TensorProto of the model by its value's name."""
        key = f"{scope}.{name}" if scope else name
        tensor = self.tensors.get(key)
        if tensor is not None:
            return Static.of(tensor)
        found = self.graph.constant(proto)
        if found is None:
            return Refused(f"reads {name!r}, of which the file holds no elements")
        value = Static.of(found)
        return Static(value.shape, given=value.numbers)


class Fresh(Struct, frozen=True, eq=False):
    """A value that a call has just made.

    Attributes:
        call: the call.
        node: its operator.
    """

    call: CallNode
    node: Node


class Scope(Struct, eq=False):
    """The values of one graph.

    Attributes:
        values: by name, those of the outer graph included.
        readers: how many operators and results read each.
        prefix: what precedes the names of its tensors.
        fresh: calls by the value that they have just made.
        normed: by value, the normalisation that has been applied and not yet scaled; with its
            number of groups ("group 4").
    """

    values: Values
    readers: Counter[str]
    prefix: str = ""
    fresh: dict[str, Fresh] = field(default_factory=dict)
    normed: dict[str, str] = field(default_factory=dict)


class Walk(Protocol):
    """Follows operators.

    Attributes:
        model: the file.
        tracer: follows the channels.
        scope: the values of the graph that it is in.
        results: names of the whole graph's results.
        remarks: assumptions that a reader of the report should know.
    """

    model: Model
    tracer: Tracer
    scope: Scope
    results: Set[str]
    remarks: list[str]

    def subgraph(
        self, graph: Any, bindings: Mapping[str, Value | Refused], section: str
    ) -> list[Value | Refused]:
        """The results of a GraphProto, its inputs bound to values."""
        ...


def functions_of(model: Any) -> dict[tuple[str, str], Any]:
    """The functions of a ModelProto by domain and name."""
    return {(domain_of(f.domain), text(f.name)): f for f in model.functions}
