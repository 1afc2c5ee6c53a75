"""One operator with what it reads: what a handler is given, and makes its results of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from modlint_plugins.networks.flow import moves
from modlint_plugins.networks.flow.labels import NONE, uniform
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.scope import Walk
from modlint_plugins.networks.onnx_graph.static import Array, Static
from modlint_plugins.networks.onnx_graph.values import Items, Result, Value

__all__ = [
    "Handler",
    "Handlers",
    "Items",
    "Op",
    "Result",
    "Value",
    "Walk",
    "alike",
    "cut",
    "sizes",
    "standard",
]


Handler = Callable[["Op"], Result]
Handlers = Mapping[tuple[str, str], Handler]


def standard(**handlers: Handler) -> Handlers:
    """Handlers of ONNX's own operators."""
    return {("", kind): handler for kind, handler in handlers.items()}


def alike(handler: Handler, *kinds: str) -> Handlers:
    """One handler for several of ONNX's own operators."""
    return {("", kind): handler for kind in kinds}


class Op:
    """An operator while it is followed.

    Attributes:
        walk: follows it.
        node: the operator.
        inputs: what it reads; None for an input left out.
        is_taken_in: whether what made its input has taken its constant for a parameter.
    """

    def __init__(self, walk: Walk, node: Node, inputs: Sequence[Value | Refused | None]) -> None:
        self.walk, self.node, self._inputs = walk, node, inputs
        self.is_taken_in = False

    @property
    def tracer(self) -> Tracer:
        """Follows the channels."""
        return self.walk.tracer

    @property
    def name(self) -> str:
        """What it is called."""
        return self.node.name or self.node.output

    @property
    def count(self) -> int:
        """Number of inputs, those left out included."""
        return len(self._inputs)

    def at(self, index: int) -> Traced | Static | None:
        """An input, None where it is left out.

        Raises:
            Refused: it is no tensor, or nothing is known of it.
        """
        value = self._inputs[index] if index < len(self._inputs) else None
        if isinstance(value, Refused):
            raise value
        if isinstance(value, Items):
            raise Refused("reads a sequence")
        return value

    def with_input(self, index: int, value: Value) -> Op:
        """The operator with another value for an input."""
        inputs = list(self._inputs)
        inputs[index] = value
        return Op(self.walk, self.node, inputs)

    def items(self, index: int) -> Items:
        """An input that is a sequence."""
        value = self._inputs[index] if index < len(self._inputs) else None
        if not isinstance(value, Items):
            raise Refused("reads what is no sequence")
        return value

    def value(self, index: int) -> Traced | Static:
        """An input that must be there."""
        value = self.at(index)
        if value is None:
            raise Refused("lacks an input")
        return value

    def traced(self, index: int) -> Traced:
        """An input that depends on the network's input."""
        value = self.value(index)
        if not isinstance(value, Traced):
            raise Refused("reads a constant where activations belong")
        return value

    def as_traced(self, value: Traced | Static) -> Traced:
        """A value as one that carries channels, of which a constant has none."""
        if isinstance(value, Traced):
            return value
        return Traced(value.shape, uniform(NONE, value.rank))

    def static(self, index: int) -> Static | None:
        """An input if it is a constant."""
        value = self.at(index)
        return value if isinstance(value, Static) else None

    def numbers(self, index: int) -> Array | None:
        """The elements of an input, None where it is left out.

        Raises:
            Refused: they are not known.
        """
        value = self.at(index)
        if value is None:
            return None
        if isinstance(value, Traced) or value.numbers is None:
            raise Refused("takes sizes or places that depend on the input's values")
        return value.numbers

    def integers(self, attribute: str, index: int | None = None) -> tuple[int, ...] | None:
        """Integers that are an attribute in some operator sets, an input in others."""
        found = self.node.integers(attribute)
        if found is None and index is not None:
            numbers = self.numbers(index)
            found = None if numbers is None else tuple(int(n) for n in numbers.reshape(-1))
        return found

    def scalar(self, index: int) -> float | None:
        """An input that is one known number."""
        value = self.at(index)
        return value.scalar if isinstance(value, Static) else None

    def axis(self, default: int, rank: int, attribute: str = "axis") -> int:
        """An axis, counted from the front."""
        axis = self.node.integer(attribute, default)
        if not -rank <= axis < max(rank, 1):
            raise Refused(f"names axis {axis} of {rank}")
        return axis % rank if rank else 0

    # -- moves of activations and of constants alike

    def reshaped(self, x: Traced | Static, shape: Sequence[int]) -> Traced | Static:
        """The elements in another shape."""
        if isinstance(x, Static):
            target = tuple(shape)
            return x.moved(lambda a: a.reshape(target), copies=not x.is_contiguous)
        return moves.reshape(self.tracer, self.name, x, shape)

    def transposed(self, x: Traced | Static, order: Sequence[int]) -> Traced | Static:
        """The axes in another order."""
        if isinstance(x, Static):
            return x.moved(lambda a: a.transpose(order), copies=False)
        return moves.transpose(self.tracer, self.name, x, order)

    def along(
        self, axes: Collection[int], function: Callable[[Any], Any], x: Traced | Static
    ) -> Traced | Static:
        """What moves elements along some axes; `function` is run on arrays."""
        if isinstance(x, Static):
            return x.moved(function)
        return moves.along_axes(self.tracer, self.name, axes, function, x)[0]

    def forgotten(self, shape: Sequence[int], *read: Traced | Static) -> Traced:
        """A tensor that depends on others without carrying their channels."""
        traced = [x for x in read if isinstance(x, Traced)]
        return self.tracer.forgotten(self.name, tuple(shape), *traced)

    def widened(self, x: Traced, shape: Sequence[int]) -> Traced:
        """The same labels in a shape that the tensor broadcasts to."""
        missing = (1,) * (len(shape) - x.rank)
        labels = x.labels.reshape(missing + x.labels.shape)
        return Traced(tuple(shape), labels, x.origin, x.normed)


def cut(axis: int, start: int, stop: int) -> Callable[[Array], Array]:
    """Takes a part of an array along an axis."""
    front = (slice(None),) * axis
    return lambda a: a[(*front, slice(start, stop))]


def sizes(shape: Any) -> tuple[int, ...]:
    """A shape as integers of Python.

    Raises:
        Refused: one is negative, or too large.
    """
    found = tuple(int(n) for n in np.asarray(shape).reshape(-1))
    if any(not 0 <= n < 1 << 40 for n in found) or len(found) > 32:
        raise Refused("has sizes that cannot be")
    return found
