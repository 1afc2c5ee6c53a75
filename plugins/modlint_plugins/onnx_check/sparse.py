"""Sparse tensors of an ONNX model: as many indices as values, all of them within the shape."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import OnnxGraph, Problem
from modlint.errors import UnreadableError
from modlint_plugins.onnx_check.structure import graphs, text

_INDEX_TYPES = {3: "i1", 5: "i2", 6: "i4", 7: "i8"}
"""By TensorProto.DataType, as NumPy names them; little-endian."""
_CHUNK = 1 << 20
"""Indices looked at in one step."""


def sparse_problems(graph: OnnxGraph) -> Iterator[Problem]:
    """Sparse initialisers and constants that a runtime cannot make dense."""
    for body in graphs(graph.model):
        for sparse in _sparse_tensors(body):
            fault = _fault(graph, sparse)
            if fault is not None:
                name = text(sparse.values.name)
                yield Problem("invalid", f"sparse tensor {name!r} {fault}")


def _sparse_tensors(body: Any) -> Iterator[Any]:
    yield from body.sparse_initializer
    for node in body.node:
        for attribute in node.attribute:
            if attribute.HasField("sparse_tensor"):
                yield attribute.sparse_tensor


def _fault(graph: OnnxGraph, sparse: Any) -> str | None:
    """What is wrong, to follow the tensor's name; None for nothing."""
    shape = tuple(sparse.dims)
    if not shape or min(shape) < 0:
        return f"has the impossible shape {list(shape[:8])}"
    if len(sparse.values.dims) != 1:
        return f"holds values of {len(sparse.values.dims)} axes instead of one"
    count = sparse.values.dims[0]
    if not count:
        return None
    wanted = ([count], [count, len(shape)])
    if list(sparse.indices.dims) not in wanted:
        return f"has {count:,} values and indices of shape {list(sparse.indices.dims[:8])}"
    if sparse.indices.data_type not in _INDEX_TYPES:
        return "has indices that are no signed integers"
    return _outside(graph, sparse, shape)


def _outside(graph: OnnxGraph, sparse: Any, shape: tuple[int, ...]) -> str | None:
    import numpy as np

    if graph.constant(sparse.values) is None:
        return "has no values"
    indices = graph.constant(sparse.indices)
    if indices is None:
        return "has no indices"
    limits = (math.prod(shape),) if len(sparse.indices.dims) == 1 else shape
    try:
        data = indices.storage.read()
    except UnreadableError as error:
        return f"has indices that cannot be read: {error}"
    rows = np.frombuffer(data, "<" + _INDEX_TYPES[sparse.indices.data_type])
    rows = rows.reshape(-1, len(limits))
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        for axis, limit in enumerate(limits):
            low, high = int(part[:, axis].min()), int(part[:, axis].max())
            if low < 0 or high >= limit:
                return f"has index {low if low < 0 else high:,} where {limit:,} is the size"
    return None
