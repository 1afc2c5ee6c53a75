"""What the arguments of ATen calls stand for.

A tensor is `Traced` where it depends on the network's input, `Fixed` where it does not, `Lost`
where it could not be followed and its shape is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.checkpoint import Tensor
from modlint.network import Layout

Value = Any
"""A `Traced`, `Fixed` or `Lost`, a number, a text, None, or a list or tuple of these."""
Shape = tuple[int, ...]
MAX_ELEMENTS = 1 << 24
"""Elements of one tensor that are moved or computed."""
MAX_VIEWED = 1 << 28
"""Elements of a weight that are moved: a byte each, where a move has to copy them."""
_MAX_READ = 1 << 20


class UnfollowedError(Exception):
    """A call that is not followed: the reason."""


@dataclass(frozen=True, eq=False)
class Lost:
    """A tensor that was not followed, and why."""

    reason: str


class Depends(Lost):
    """A number that the network's input decides."""


@dataclass(frozen=True, eq=False)
class Fixed:
    """A tensor that depends on no input of the network.

    Attributes:
        shape: sizes.
        owners: names of the tensors of floating-point numbers that went into it, first the one
            whose rows and columns it has.
        view: where it only views the first owner: a view of an array of the owner's elements.
        value: its elements, where they are known: integers and what is computed of them.
        offset: added to the elements that it views.
    """

    shape: Shape
    owners: tuple[str, ...] = ()
    view: NDArray[np.bool_] | None = None
    value: NDArray[Any] | None = None
    offset: float = 0.0

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def name(self) -> str | None:
        """The tensor of the file that it is, element by element in order; None where it is not."""
        view = self.view
        if view is None or view.size != root_of(view).size or _start(view):
            return None
        return self.owners[0] if view.flags.c_contiguous else None

    @property
    def start(self) -> int:
        """Index of its first element in the tensor that it views."""
        return 0 if self.view is None else _start(self.view)


def number(value: Any) -> Fixed:
    """A constant whose elements are known."""
    array = np.asarray(value)
    return Fixed(array.shape, value=array)


def stored(tensor: Tensor) -> Fixed:
    """A tensor of the file; the values of small ones of integers are read."""
    if tensor.dtype.kind in ("int", "uint", "bool"):
        return Fixed(tensor.shape, value=_numbers(tensor))
    if not tensor.elements or tensor.dtype.kind != "float":
        return Fixed(tensor.shape)
    elements = np.zeros(tensor.elements, bool)  # pages that are never touched
    return Fixed(tensor.shape, (tensor.name,), elements.reshape(tensor.shape))


def computed(shape: Shape, operands: tuple[Fixed, ...], value: Any = None) -> Fixed:
    """What a computation makes of fixed tensors; owner first is that of as many elements."""
    size = int(np.prod(shape, dtype=object))
    alike = [x for x in operands if x.owners and x.size == size]
    others = [x for x in operands if x.owners and x.size != size]
    owners = dict.fromkeys(name for x in (*alike, *others) for name in x.owners)
    return Fixed(shape, tuple(owners), value=value)


def layout_of(view: NDArray[np.bool_] | None, shape: tuple[int, int, int, int]) -> Layout | None:
    """Where kernels (groups, rows, columns, positions) lie that a view holds in this order."""
    if view is None:
        return None
    try:
        kernels = view.view()
        kernels.shape = shape
    except AttributeError:
        return None
    return Layout(_start(kernels), shape, tuple(kernels.strides))  # type: ignore[arg-type]


def root_of(view: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The array whose memory a view shows."""
    while isinstance(view.base, np.ndarray):
        view = view.base
    return view


def _start(view: NDArray[np.bool_]) -> int:
    base = root_of(view)
    return int(view.__array_interface__["data"][0] - base.__array_interface__["data"][0])


def _numbers(tensor: Tensor) -> NDArray[Any] | None:
    if tensor.elements > _MAX_READ or tensor.dtype.bits < 8:
        return None
    try:
        flat = np.frombuffer(tensor.storage.read(), np.dtype(tensor.dtype.name))
        steps = [step * flat.itemsize for step in tensor.strides]
        first = flat[tensor.storage_offset :]
        last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
        if tensor.elements and (min(steps, default=0) < 0 or last >= len(first)):
            return None
        return np.lib.stride_tricks.as_strided(first, tensor.shape, steps).copy()
    except (ValueError, TypeError, OSError):
        return None


@dataclass(frozen=True)
class Names:
    """Tensors of the file by name, tied ones under the first of their names."""

    tensors: Mapping[str, Tensor]
    _made: dict[str, Fixed] = field(default_factory=dict)
    _first: dict[tuple[int, int, Shape, Shape], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, x in self.tensors.items():
            self._first.setdefault((id(x.storage), x.storage_offset, x.shape, x.strides), name)

    def get(self, name: str) -> Fixed | None:
        """The tensor called `name`; None where there is none."""
        x = self.tensors.get(name)
        if x is None:
            return None
        first = self._first[id(x.storage), x.storage_offset, x.shape, x.strides]
        if first not in self._made:
            self._made[first] = stored(self.tensors[first])
        return replace(self._made[first])

    def number(self, name: str) -> Fixed | None:
        """The tensor called `name` as a number that is known; None where it has more elements."""
        x = self.tensors.get(name)
        if x is None or x.elements != 1 or (value := _numbers(x)) is None:
            return None
        return Fixed(x.shape, value=value)
