"""What the constants of a model hold: types, sizes, and the elements of small or int64 ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from modlint.analysis.onnx_check import OnnxGraph
from modlint.checkpoint import Tensor
from modlint.errors import UnreadableError
from modlint.results.dataflow import WHOLE, Constant
from modlint_plugins.onnx_check.structure import text
from modlint_plugins.readers.onnx.types import ELEMENT_TYPES

MAX_NUMBERS = 64
"""Elements of a tensor whose values are kept."""
_PIECE = 1 << 20
_INT32 = -(1 << 31), (1 << 31) - 1
_NEAR = (1 << 63) - (1 << 40)
"""Values from here on mean "to the end": the largest of int64, or what float32 makes of it."""
_HALF = 1 << 62
_PLAIN = WHOLE | {"float16", "float32", "float64"}


class Held(Struct):
    """Tells what constants hold.

    Attributes:
        graph: the model, and where its elements are.
        unread: why some of them could not be read, None where all could.
    """

    graph: OnnxGraph
    unread: str | None = None

    def initialisers(self, graph: Any) -> Iterator[Constant]:
        """The initialisers of a GraphProto."""
        for proto in graph.initializer:
            yield self._tensor(proto, text(proto.name))
        for sparse in graph.sparse_initializer:
            yield _sparse(sparse, text(sparse.values.name))

    def given_by(self, node: Any) -> Constant | None:
        """What a Constant node gives; None where the caller of a function tells."""
        if len(node.output) != 1 or not node.attribute or node.attribute[0].ref_attr_name:
            return None
        name, attribute = text(node.output[0]), node.attribute[0]
        if attribute.HasField("t"):
            constant = self._tensor(attribute.t, name)
        elif attribute.HasField("sparse_tensor"):
            constant = _sparse(attribute.sparse_tensor, name)
        else:
            constant = _of_attribute(attribute, name)
        return Constant(
            name,
            constant.dtype,
            constant.shape,
            constant.nbytes,
            constant.numbers,
            constant.beyond_int32,
            by_node=True,
        )

    def _tensor(self, proto: Any, name: str) -> Constant:
        dtype, shape = element_type(proto.data_type), tuple(proto.dims)
        numbers: tuple[float, ...] | None = None
        beyond: tuple[int, int] | None = (0, 0)
        few = dtype in _PLAIN and _elements(shape) <= MAX_NUMBERS
        if few or dtype == "int64":
            values = self._values(proto, dtype)
            if values is None:
                beyond = None
            else:
                numbers = tuple(values.tolist()) if few else None
                beyond = _beyond_int32(values) if dtype == "int64" else beyond
        return Constant(name, dtype, shape, _nbytes(proto), numbers, beyond)

    def _values(self, proto: Any, dtype: str) -> Any:
        """A tensor's elements, None where they cannot be read."""
        import numpy as np

        tensor: Tensor | None = self.graph.constant(proto)
        if tensor is None:
            self.unread = f"constant {text(proto.name)!r} cannot be read"
            return None
        try:
            return np.frombuffer(tensor.storage.read(), np.dtype(dtype))
        except (UnreadableError, ValueError) as error:
            self.unread = f"constant {text(proto.name)!r} cannot be read: {error}"
            return None


def element_type(number: int) -> str:
    """Name of a TensorProto.DataType, "" for an unknown one."""
    return ELEMENT_TYPES[number][0].name if number in ELEMENT_TYPES else ""


def _beyond_int32(values: Any) -> tuple[int, int]:
    """How many elements int32 cannot hold, sentinels left out, and the first of them."""
    number, first = 0, 0
    for start in range(0, len(values), _PIECE):
        piece = values[start : start + _PIECE]
        outside = piece[(piece < _INT32[0]) | (piece > _INT32[1])]
        outside = outside[(outside > -_NEAR) & (outside < _NEAR) & (abs(outside) != _HALF)]
        if len(outside) and not number:
            first = int(outside[0])
        number += len(outside)
    return number, first


def _is_sentinel(value: int) -> bool:
    return abs(value) >= _NEAR or abs(value) == _HALF


def _of_attribute(attribute: Any, name: str) -> Constant:
    """A number, a text, or a list of them."""
    if attribute.ints or attribute.HasField("i"):
        single = not attribute.ints
        values = (attribute.i,) if single else tuple(attribute.ints)
        outside = [v for v in values if not _INT32[0] <= v <= _INT32[1] and not _is_sentinel(v)]
        beyond = len(outside), outside[0] if outside else 0
        kept = values if len(values) <= MAX_NUMBERS else None
        return Constant(name, "int64", _one_axis(values, single), 8 * len(values), kept, beyond)
    if attribute.floats or attribute.HasField("f"):
        reals = attribute.floats or (attribute.f,)
        shape, few = _one_axis(reals, not attribute.floats), len(reals) <= MAX_NUMBERS
        return Constant(name, "float32", shape, 4 * len(reals), tuple(reals) if few else None)
    texts = attribute.strings or (attribute.s,)
    return Constant(name, "string", _one_axis(texts, not attribute.strings), sum(map(len, texts)))


def _one_axis(values: Any, single: bool) -> tuple[int, ...]:
    return () if single else (len(values),)


def _sparse(sparse: Any, name: str) -> Constant:
    nbytes = _nbytes(sparse.values) + _nbytes(sparse.indices)
    return Constant(name, element_type(sparse.values.data_type), tuple(sparse.dims), nbytes)


def _nbytes(proto: Any) -> int:
    if proto.data_type not in ELEMENT_TYPES:
        return 0
    return ELEMENT_TYPES[proto.data_type][0].nbytes(_elements(proto.dims))


def _elements(shape: Any) -> int:
    return math.prod(max(size, 0) for size in shape)
