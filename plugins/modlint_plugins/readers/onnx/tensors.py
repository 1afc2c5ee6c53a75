"""From a skeleton's TensorProtos to tensors."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from modlint.checkpoint import Role, Storage, Tensor, contiguous_strides
from modlint_plugins.readers.onnx.external import ExternalFiles, Fault
from modlint_plugins.readers.onnx.payload import Payload, Span, locate
from modlint_plugins.readers.onnx.types import ELEMENT_TYPES, STRING

STRIPPED = "stripped-weights"
"""Kind of the remark on a tensor whose elements were taken out, shape and type left."""
_EXTERNAL = 1
_MAX_AXES = 64
_ELEMENTS = (
    "float_data",
    "int32_data",
    "string_data",
    "int64_data",
    "double_data",
    "uint64_data",
)


class TensorSource(Struct, frozen=True):
    """Turns TensorProtos of one skeleton into tensors.

    Attributes:
        view: the whole file.
        spans: the skeleton's table of cut-out elements.
        files: external data.
    """

    view: memoryview
    spans: list[Span]
    files: ExternalFiles

    def tensor(self, proto: Any, name: str, section: str = "", role: Role = Role.WEIGHT) -> Tensor:
        """A tensor over the elements that the file holds for a TensorProto.

        Raises:
            Fault: there are no such elements.
        """
        if proto.data_type not in ELEMENT_TYPES:
            raise Fault("unknown-dtype", f"tensor {name!r} has unknown type {proto.data_type}")
        dtype, typed_field = ELEMENT_TYPES[proto.data_type]
        shape = _shape(proto, name)
        if dtype is STRING:
            _check_strings(proto, name, math.prod(shape))
        nbytes = dtype.nbytes(math.prod(shape))
        member, payload = self._payload(proto, name, nbytes, typed_field)
        if nbytes and not payload.nbytes and _is_stripped(proto):
            raise Fault(STRIPPED, f"tensor {name!r} of shape {list(shape)} holds no elements")
        if dtype is not STRING and payload.nbytes != nbytes:
            raise Fault(
                "tensor-size",
                f"tensor {name!r} of shape {list(shape)} takes {nbytes:,} bytes, "
                f"the file holds {payload.nbytes:,}",
            )
        storage = Storage(
            name,
            payload.nbytes,
            payload.read,
            member,
            payload.offset,
            member_offset=payload.external,
        )
        strides = contiguous_strides(shape)
        return Tensor(name, dtype, shape, strides, storage, section=section, role=role)

    def _payload(
        self, proto: Any, name: str, nbytes: int, typed_field: str
    ) -> tuple[str | None, Payload]:
        if proto.data_location == _EXTERNAL:
            return self.files.locate(proto, name, nbytes)
        self.files.judge_locations(proto, name)
        dtype = ELEMENT_TYPES[proto.data_type][0]
        return None, locate(self.view, self.spans, proto, typed_field, dtype)


def _is_stripped(proto: Any) -> bool:
    """Whether a tensor was left without any elements, not with those of another type."""
    given = any(getattr(proto, name) for name in _ELEMENTS)
    return proto.data_location != _EXTERNAL and not given


def _check_strings(proto: Any, name: str, count: int) -> None:
    """Strings are never raw, never external, and as many as the shape says."""
    given = len(proto.string_data)
    if proto.HasField("raw_data") or proto.data_location == _EXTERNAL or given != count:
        message = f"tensor {name!r} takes {count:,} strings, the file holds {given:,}"
        raise Fault("tensor-size", message)


def _shape(proto: Any, name: str) -> tuple[int, ...]:
    if len(proto.dims) > _MAX_AXES or any(size < 0 for size in proto.dims):
        shown = ", ".join(str(size) for size in proto.dims[:8])
        raise Fault("tensor-shape", f"tensor {name!r} has the impossible shape [{shown}]")
    return tuple(proto.dims)
