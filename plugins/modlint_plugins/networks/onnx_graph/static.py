"""Values that do not depend on the input: the file's tensors on their way, and small numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.checkpoint import Tensor
from modlint.errors import ModlintError
from modlint.network import Layout
from modlint_plugins.networks.onnx_graph.places import address_of, base_of, layout_of, regular
from modlint_plugins.networks.onnx_graph.refused import Refused

Array = NDArray[Any]
Arrange = Callable[[Array], Array]

MOST_NUMBERS = 1 << 20
"""Elements of an array of integers (indices) that is computed."""
_MOST_REALS = 1 << 12
_MOST_COPIED = 1 << 26
_MOST_INDEXED = 1 << 23
_READABLE = frozenset(
    {"bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64"}
    | {"uint8", "uint16", "uint32", "uint64"}
)


@dataclass(frozen=True, eq=False)
class Static:
    """A constant, or what nodes compute of constants.

    Attributes:
        shape: its sizes.
        tensor: the file's tensor that its elements are of, None for numbers and mixtures.
        place: which elements of the tensor are its own, as a view of one byte an element that is
            never read; None for all of them in order.
        is_exact: its elements are the tensor's; else they are computed of them.
        given: its elements, where they are known and few.
        index: which elements of the tensor are its own, where that is no view.
        stack: of one of several matrices, which the input chooses: how many, and the step to the
            next.
    """

    shape: tuple[int, ...]
    tensor: Tensor | None = None
    place: Array | None = None
    is_exact: bool = False
    given: Array | None = None
    index: NDArray[np.int64] | None = None
    stack: tuple[int, int] | None = None

    @classmethod
    def of(cls, tensor: Tensor) -> Static:
        """A tensor of the file."""
        return cls(tensor.shape, tensor, is_exact=True)

    @classmethod
    def number(cls, value: Any) -> Static:
        """Known numbers."""
        array = np.asarray(value)
        return cls(array.shape, given=array)

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def is_integer(self) -> bool:
        """Whether it holds integers that are no codes of a quantised weight."""
        if self.given is not None:
            return self.given.dtype.kind in "iub"
        return self.tensor is not None and self.tensor.dtype.name in ("int32", "int64", "bool")

    @property
    def name(self) -> str | None:
        """Name of the tensor that it is, whole and in order; None where it is none."""
        if self.tensor is None or not self.is_exact:
            return None
        whole = self.is_contiguous and self.elements == self.tensor.elements
        return self.tensor.name if whole else None

    @property
    def is_contiguous(self) -> bool:
        """Whether another shape of it is a view."""
        is_view = self.place is None or bool(self.place.flags.c_contiguous)
        return self.is_exact and self.index is None and is_view

    @cached_property
    def numbers(self) -> Array | None:
        """Its elements, None where they are many or not known."""
        if self.given is not None or self.tensor is None or not self.is_exact:
            return self.given
        most = MOST_NUMBERS if self.is_integer else _MOST_REALS
        tensor = self.tensor
        if tensor.elements > most or tensor.dtype.name not in _READABLE or self.name is None:
            return None
        try:
            found = np.frombuffer(tensor.storage.read(), np.dtype(tensor.dtype.name))
        except (ModlintError, ValueError):
            return None
        return found.reshape(self.shape)

    @property
    def scalar(self) -> float | None:
        """Its one element, None where it has several or it is not known."""
        if self.elements != 1 or self.numbers is None:
            return None
        return float(self.numbers.reshape(-1)[0])

    def layout(self, arrange: Arrange) -> tuple[Layout, NDArray[np.int64] | None] | None:
        """Where the elements lie that `arrange` puts into four axes; None where not followed.

        Rows of one group that lie in another order than they are used in come with the number of
        the used row for each that lies there.
        """
        if self.tensor is None or not self.is_exact:
            return None
        if self.index is not None:
            return regular(arrange(self.index))
        place = self._place()
        view = arrange(place)
        if view.size == 0 or not np.may_share_memory(view, place):
            return None
        shape, strides = view.shape, view.strides
        if self.stack is not None and shape[3] == 1:
            shape, strides = (*shape[:3], self.stack[0]), (*strides[:3], self.stack[1])
        return layout_of(address_of(view) - address_of(base_of(place)), shape, strides), None

    def indices(self) -> NDArray[np.int64] | None:
        """Which elements of the tensor are its own; None where they are computed, or many."""
        if self.tensor is None or not self.is_exact or self.elements > _MOST_INDEXED:
            return None
        if self.index is not None:
            return self.index
        place = self._place()
        found = np.asarray(address_of(place) - address_of(base_of(place)), dtype=np.int64)
        for size, stride in zip(place.shape, place.strides, strict=True):
            found = found[..., None] + stride * np.arange(size)
        return found

    def moved(self, arrange: Arrange, *, copies: bool = True) -> Static:
        """Its elements in another arrangement, which `arrange` may or may not copy.

        Raises:
            Refused: too many would be copied.
        """
        if copies and self.elements > _MOST_COPIED:
            raise Refused(f"a constant of {self.elements:,} elements is too large to be arranged")
        given = None if self.numbers is None else arrange(self.numbers)
        if self.tensor is None or not self.is_exact:
            shape = self._dummy_shape(arrange) if given is None else given.shape
            return Static(shape, self.tensor, None, is_exact=False, given=given)
        if self.index is not None:
            index = arrange(self.index)
            return Static(index.shape, self.tensor, None, True, given, index)
        place = self._place()
        view = arrange(place)
        exact = bool(view.size) and np.may_share_memory(view, place)
        own = view if exact else None
        return Static(view.shape, self.tensor, own, exact, given, stack=self.stack)

    def chosen(self, shape: tuple[int, ...]) -> Static:
        """Matrices of a stack along the first axis, chosen by an index of a shape."""
        place = self._place()
        step = place.strides[0]
        view = np.broadcast_to(place[0], (*shape, *self.shape[1:]))
        return Static(view.shape, self.tensor, view, True, stack=(self.shape[0], step))

    def repeats(self, axis: int) -> bool:
        """Whether it is the same all along an axis."""
        return self.shape[axis] == 1 or (self.place is not None and not self.place.strides[axis])

    def computed(self, shape: tuple[int, ...] | None = None) -> Static:
        """What is computed of it."""
        return Static(self.shape if shape is None else shape, self.tensor)

    def _place(self) -> Array:
        if self.place is not None:
            return self.place
        return np.zeros(self.elements, dtype=bool).reshape(self.shape)

    def _dummy_shape(self, arrange: Arrange) -> tuple[int, ...]:
        return arrange(np.broadcast_to(np.zeros(1, dtype=bool), self.shape)).shape
