"""The skeleton of an ONNX model: the ModelProto with every tensor's elements cut out.

Each run of elements is replaced by its index in a table of spans. The index stands where the
elements stood, so protobuf's own rules (the last of a repeated singular field wins, messages
merge, repeated fields concatenate) decide which run belongs to which tensor, and a crafted file
cannot make the skeleton differ from the model that a runtime loads.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

from msgspec import Struct, field

from modlint_plugins.readers.onnx.concealed import Concealed
from modlint_plugins.readers.onnx.schema import Spec
from modlint_plugins.readers.onnx.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Field,
    WireError,
    read_field,
    write_varint,
)

MAX_DEPTH = 64
"""Messages inside messages; a subgraph takes three levels."""
MAX_FIELDS = 2_000_000
MAX_BYTES = 64 << 20
"""Size of the skeleton, in bytes."""
MAX_ATTRIBUTE = 1 << 20
"""Attribute values above this size, in bytes, are left out."""

SUBMESSAGES: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {},
}
"""By message, the fields through which a TensorProto can be reached."""

_ELEMENTS = {  # field of TensorProto: wire type of one element
    4: FIXED32,  # float_data
    5: VARINT,  # int32_data
    6: BYTES,  # string_data
    7: VARINT,  # int64_data
    9: BYTES,  # raw_data
    10: FIXED64,  # double_data
    11: VARINT,  # uint64_data
}
TEXT_ATTRIBUTE = 4
"""AttributeProto.s, a field that may be left out."""
_VALUES = frozenset({TEXT_ATTRIBUTE, 7, 8})  # floats and ints
_RUNS = {  # unpacked floats and ints, taken in one step
    7: re.compile(rb"(?:\x3d.{4})++", re.DOTALL),
    8: re.compile(rb"(?:\x40[\x80-\xff]{0,9}+[\x00-\x7f])++"),
}


class Skeleton(Struct):
    """A model without its elements.

    Attributes:
        view: the whole file.
        spans: (start, end) offsets in the file of every run of elements that was cut out.
        left_out: attribute values that were left out for their size.
        concealed: what no reader of the model sees.
        message: the serialised ModelProto.
    """

    view: memoryview
    concealed: Concealed
    spans: list[tuple[int, int]] = field(default_factory=list)
    left_out: list[Field] = field(default_factory=list)
    message: bytes = b""
    _fields: int = 0
    _copied: int = 0

    @classmethod
    def of(cls, view: memoryview) -> Skeleton:
        """Cut out the elements.

        Raises:
            WireError: the bytes are no protobuf message, or exceed one of this module's limits.
        """
        skeleton = cls(view, Concealed(view))
        skeleton.message = skeleton._copy("ModelProto", 0, len(view), 1)
        return skeleton

    def _copy(self, kind: str, start: int, end: int, depth: int) -> bytes:
        if depth > MAX_DEPTH:
            raise WireError(f"messages are nested more than {MAX_DEPTH} deep", start)
        message = self.concealed.message(kind)
        parts: list[bytes] = []
        position = copied = start  # up to `copied` everything is in `parts`
        while position < end:
            item = self._next(kind, position, end)
            position = item.end
            part = self._replacement(kind, message.see(item), item, depth)
            if part is not None:
                parts += (self._verbatim(copied, item.tag), part)
                copied = position
        parts.append(self._verbatim(copied, end))
        message.end()
        return b"".join(parts)

    def _replacement(self, kind: str, spec: Spec | None, item: Field, depth: int) -> bytes | None:
        """What stands for a field in the skeleton; None for the field itself."""
        if spec is None:
            return None
        if item.number in SUBMESSAGES[kind]:
            inner = self._copy(spec.message, item.start, item.end, depth + 1)
            return _tag(item.number, BYTES) + write_varint(len(inner)) + inner
        if spec.message:
            self.concealed.walk(spec.message, item.start, item.end, depth + 1)
            return None
        if kind == "TensorProto" and _holds_elements(item):
            return self._cut(item)
        large = item.end - item.start > MAX_ATTRIBUTE
        if large and kind == "AttributeProto" and item.number in _VALUES:
            self.left_out.append(item)
            return b""
        return None

    def _next(self, kind: str, position: int, end: int) -> Field:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise WireError(f"the model has more than {MAX_FIELDS:,} fields", position)
        item = read_field(self.view, position, end)
        if kind == "AttributeProto" and item.number in _RUNS and item.wire != BYTES:
            run = _RUNS[item.number].match(self.view, position, end)
            return item._replace(end=run.end()) if run else item
        return item

    def _cut(self, item: Field) -> bytes:
        index = len(self.spans)
        self.spans.append((item.start, item.end))
        wire = _ELEMENTS[item.number]
        if wire == BYTES:
            token = b"\x04" + index.to_bytes(4, "little")
        elif wire == VARINT:
            token = write_varint(index)
        else:  # exact: there are fewer spans than 2**24
            token = struct.pack("<f" if wire == FIXED32 else "<d", index)
        return _tag(item.number, wire) + token

    def _verbatim(self, start: int, end: int) -> bytes:
        self._copied += end - start
        if self._copied > MAX_BYTES:
            limit = MAX_BYTES >> 20
            raise WireError(f"the model without its weights exceeds {limit} MiB", start)
        return bytes(self.view[start:end])


def _tag(number: int, wire: int) -> bytes:
    return write_varint(number << 3 | wire)


def _holds_elements(item: Field) -> bool:
    """Whether protobuf takes this field of a TensorProto as elements, packed or not."""
    wire = _ELEMENTS.get(item.number)
    return wire is not None and item.wire in (wire, BYTES)
