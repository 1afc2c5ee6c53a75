"""An ONNX graph as rules see it: which node reads what, and what reaches an output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

Size = int | str | None
"""Of an axis: a number, the name of a free one, None where nothing is said."""


WHOLE = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
)
"""Types of whole numbers and truth values."""


class Port(Struct, frozen=True):
    """An input or an output of a graph.

    Attributes:
        name: of the value.
        shape: size of each axis, None where no shape is stated.
        dtype: element type ("float32"), "" where it is no tensor or none is stated.
    """

    name: str
    shape: tuple[Size, ...] | None = None
    dtype: str = ""


class Constant(Struct, frozen=True):
    """A value that the file holds: an initialiser, or what a Constant node gives.

    Attributes:
        name: of the value.
        dtype: element type ("float32").
        shape: sizes.
        nbytes: of its elements.
        numbers: its elements where they are few and of a plain type, else None.
        beyond_int32: of an int64 tensor the elements that int32 cannot hold and that do not stand
            for "to the end" (2^62, or near 2^63), as (how many, the first); None where they cannot
            be read.
        by_node: whether a Constant node gives it.
        read: whether something that an output depends on reads it, or the caller does.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    numbers: tuple[float, ...] | None = None
    beyond_int32: tuple[int, int] | None = (0, 0)
    by_node: bool = False
    read: bool = True


class Node(Struct, frozen=True):
    """One operator.

    Attributes:
        op: its type ("Conv").
        domain: "" for ONNX's own.
        label: its name, or its first output's.
        inputs: names of the values that it reads, "" for one left out.
        outputs: names of the values that it gives.
        attributes: those that are integers, or short lists of them.
        captured: values of graphs around it that its subgraphs read.
        live: whether an output depends on it.
    """

    op: str
    domain: str
    label: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, int | tuple[int, ...]] = {}
    captured: tuple[str, ...] = ()
    live: bool = True

    def input(self, index: int) -> str:
        """Name of an input, "" where there is none."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, int) else default

    def integers(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a list of integers, None where it is absent."""
        value = self.attributes.get(name)
        return value if isinstance(value, tuple) else None


class Body(Struct, frozen=True):
    """Nodes in one scope of names: the main graph, a subgraph or a function.

    Attributes:
        kind: which of them.
        label: how messages call it ("function 'f'").
        inputs: what it is given.
        outputs: what it gives.
        constants: by name.
        whole: by name, the short lists of whole numbers that nodes make of constants (the shapes
            that Reshape reads), None for an element that is not known.
        same: by name of what an Identity gives, the name of what it reads.
        nodes: in the file's order, those that give constants left out.
        outer: index of the body around it, None where there is none.
        opset: version of ONNX's own operators that it is written in, 0 where none is imported.
        live: whether an output of the model depends on it.
    """

    kind: Literal["graph", "subgraph", "function"]
    label: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    constants: Mapping[str, Constant]
    nodes: tuple[Node, ...]
    outer: int | None = None
    same: Mapping[str, str] = {}
    whole: Mapping[str, tuple[int | None, ...]] = {}
    opset: int = 0
    live: bool = True


class Dataflow(Struct, frozen=True):
    """A whole model.

    Attributes:
        bodies: the main graph first, each after the one around it.
        ir_version: of the file.
        opsets: version by domain, "" for ONNX's own.
        training: number of `training_info` entries.
        unread: why some constant could not be read, None where all could.
    """

    bodies: tuple[Body, ...]
    ir_version: int
    opsets: Mapping[str, int]
    training: int = 0
    unread: str | None = None

    @property
    def graph(self) -> Body:
        """The main graph."""
        return self.bodies[0]

    def nodes(self) -> Iterator[tuple[Body, Node]]:
        """Every node, with the body that it stands in."""
        for body in self.bodies:
            for node in body.nodes:
                yield body, node

    def constants(self) -> Iterator[tuple[Body, Constant]]:
        """Every constant, with the body that it stands in."""
        for body in self.bodies:
            for constant in body.constants.values():
                yield body, constant

    def whole(self, name: str, body: Body) -> tuple[int | None, ...] | None:
        """A value as a short list of whole numbers; None where it is not known to be one."""
        constant = self.constant(name, body)
        if constant is None:
            return body.whole.get(name)
        if constant.numbers is None or constant.dtype not in WHOLE:
            return None
        return tuple(map(int, constant.numbers))

    def constant(self, name: str, body: Body) -> Constant | None:
        """The constant that a node of a body reads by a name; None where it is none."""
        here: Body | None = body
        while here is not None:
            name = here.same.get(name, name)
            if name in here.constants:
                return here.constants[name]
            if any(port.name == name for port in here.inputs):
                return None
            here = None if here.outer is None else self.bodies[here.outer]
        return None


class FixedBatch(Struct, frozen=True):
    """A node that takes one size only of an axis that the model's input leaves free.

    Attributes:
        node: label of the Reshape or Squeeze.
        op: its type.
        input: the model's input whose first axis is free.
        symbol: name of that axis, "" where it has none.
        target: the shape that a Reshape states, () for a Squeeze.
    """

    node: str
    op: str
    input: str
    symbol: str
    target: tuple[int | None, ...] = ()


class BatchAxes(Struct, frozen=True):
    """What became of the first axis of a model's inputs.

    Attributes:
        free: names of the inputs whose first axis is free.
        fixed: nodes that take one size of it only.
        reshapes: number of Reshape and Squeeze nodes whose data was followed to such an input.
    """

    free: tuple[str, ...]
    fixed: tuple[FixedBatch, ...]
    reshapes: int
