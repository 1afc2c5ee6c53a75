"""Bytes of an ONNX file that no reader of the model sees, found field by field.

Protobuf skips fields that its schema does not know, keeps the last of a field that is given
twice, and runtimes read one of several fields of elements: what the others hold is hidden.
"""

from __future__ import annotations

import re

from modlint.checkpoint import Remark
from modlint.signatures import LONGEST, signature
from modlint_plugins.readers.onnx.schema import NEWEST_IR, SCHEMA, Spec
from modlint_plugins.readers.onnx.types import ELEMENT_TYPES
from modlint_plugins.readers.onnx.wire import (
    BYTES,
    Field,
    WireError,
    read_field,
    read_varint,
)
from modlint_plugins.remarks import Remarks, unused

MAX_FIELDS = 2_000_000
"""Fields of messages in which no tensor can be, that are looked at."""
MAX_DEPTH = 64
_EXTERNAL = 1
_SHORTEST_PROGRAM = 32
_STRINGS, _RAW = "string_data", "raw_data"
_ELEMENTS = frozenset({"float_data", "int32_data", _STRINGS, "int64_data", _RAW, "double_data"})
_ELEMENTS |= {"uint64_data"}
_ENGINE = b"ep_cache_context"
"""Attribute in which onnxruntime keeps what it compiled for a device, or the path of its file."""
_TEXT = 4
_LONGEST_PATH = 4096
_ELSEWHERE = re.compile(r"(?:[/\\]|[A-Za-z]:|(?:[^\x00-\x1f]*[/\\])?\.\.(?:[/\\]|$))[^\x00-\x1f]*")
"""A path that is absolute or has a way up, which onnxruntime's QNN and TensorRT refuse."""


class Concealed:
    """Watches the fields of a model go by.

    Args:
        view: the whole file.

    Attributes:
        remarks: what was noticed.
    """

    def __init__(self, view: memoryview) -> None:
        self.remarks = Remarks()
        self._view = view
        self._looked_at = 0
        self._ir_version = 0

    def message(self, kind: str) -> Message:
        """A message of a kind whose fields are about to be seen."""
        return Message(self, kind)

    def walk(self, kind: str, start: int, end: int, depth: int) -> None:
        """See every field of a message, and of those in it.

        Raises:
            WireError: it is no message, or nested too deep.
        """
        if depth > MAX_DEPTH:
            raise WireError(f"messages are nested more than {MAX_DEPTH} deep", start)
        message = self.message(kind)
        while start < end:
            self._looked_at += 1
            if self._looked_at > MAX_FIELDS:
                what = f"more than {MAX_FIELDS:,} fields of values and types: the rest is not"
                self.remarks.add(Remark("unsearched-fields", f"{what} searched", offset=start))
                return
            item = read_field(self._view, start, end)
            start = item.end
            spec = message.see(item)
            if spec is not None and spec.message:
                self.walk(spec.message, item.start, item.end, depth + 1)
        message.end()

    def number(self, item: Field) -> int:
        """The value of a varint field."""
        return read_varint(self._view, item.start, item.end)[0]

    def bytes_of(self, item: Field, most: int = LONGEST) -> bytes:
        """The first bytes of a field's payload."""
        return bytes(self._view[item.start : min(item.end, item.start + most)])

    def hidden(self, kind: str, what: str, item: Field) -> None:
        """Remark on bytes that are skipped; of its own kind where a program begins there."""
        start = item.start if item.wire == BYTES else item.tag
        if item.end > start:
            self.remarks.add(unused(self._view, kind, what, start, item.end))

    def unknown(self, message: str, item: Field, why: str) -> None:
        """Remark on a field that the schema does not know."""
        if self._ir_version > NEWEST_IR and not signature(self.bytes_of(item)):
            what = f"ir_version {self._ir_version} is newer than modlint knows: "
            self.remarks.add(Remark("newer-schema", f"{what}its new fields are not examined"))
            return
        what = f"lie in field {item.number} of a {message}, {why}"
        self.hidden("unknown-field", what, item)

    def version(self, number: int) -> None:
        """The model states its version of the schema."""
        self._ir_version = number


class Message:
    """One message whose fields are seen in turn.

    Args:
        owner: keeps the remarks.
        kind: the message's name in the schema.
    """

    __slots__ = ("_elements", "_given", "_kind", "_owner", "_specs", "_texts")

    def __init__(self, owner: Concealed, kind: str) -> None:
        self._owner, self._kind, self._specs = owner, kind, SCHEMA[kind]
        self._given: dict[int, Field] = {}
        self._elements: list[Field] = []
        self._texts: list[Field] = []

    def see(self, item: Field) -> Spec | None:
        """Take a field; what it is, None where it is skipped."""
        spec = self._specs.get(item.number)
        if spec is None or not spec.takes(item.wire):
            why = "which ONNX does not define" if spec is None else "which is of another type"
            self._owner.unknown(self._kind, item, why)
            return None
        if not spec.repeated:
            earlier = self._given.get(spec.group)
            if earlier is not None:
                self._repeated(spec, earlier)
            self._given[spec.group] = item
        if self._kind == "TensorProto" and spec.name in _ELEMENTS:
            self._elements.append(item)
        if item.wire == BYTES and not spec.message and item.end - item.start >= _SHORTEST_PROGRAM:
            self._texts.append(item)
        if spec.name == "ir_version":
            self._owner.version(self._owner.number(item))
        return spec

    def end(self) -> None:
        """The message is over: judge what it holds together."""
        if self._elements:
            self._unread()
        for item in self._texts:
            self._program(item)
        engine = self._given.get(_TEXT)
        if engine is not None and self._is_engine():
            self._elsewhere(engine)

    def _repeated(self, spec: Spec, earlier: Field) -> None:
        if spec.message:
            what = "are the first of two, which parsers merge or choose from"
        else:
            what = "are hidden by a second one"
        place = f"lie in field {spec.name} of a {self._kind} and {what}"
        self._owner.hidden("repeated-field", place, earlier)

    def _unread(self) -> None:
        """Remark on elements that a tensor does not take, where another field gives them."""
        read = self._field_read()
        for item in self._elements:
            name = self._specs[item.number].name
            if read is not None and name != read:
                label = self._label()
                what = f"lie in {name} of tensor {label}, which is read from {read} alone"
                self._owner.hidden("unread-data", what, item)

    def _field_read(self) -> str | None:
        """The field that a runtime takes the elements from, None where it refuses the tensor."""
        kind, location = self._scalar(2), self._scalar(14)
        if location == _EXTERNAL:
            return "external data"
        if kind not in ELEMENT_TYPES:
            return None
        names = {self._specs[item.number].name for item in self._elements}
        typed = ELEMENT_TYPES[kind][1]
        return _RAW if _RAW in names and typed != _STRINGS else typed

    def _scalar(self, number: int) -> int:
        item = self._given.get(number)
        return 0 if item is None else self._owner.number(item)

    def _label(self) -> str:
        item = self._given.get(8)
        name = b"" if item is None else self._owner.bytes_of(item)
        return repr(name.decode("utf-8", "backslashreplace"))

    def _is_engine(self) -> bool:
        """Whether this is the attribute with what a device runs."""
        own = self._given.get(1)
        named = own is not None and self._owner.bytes_of(own) == _ENGINE
        return named and self._kind == "AttributeProto"

    def _elsewhere(self, item: Field) -> None:
        """Remark on the path of an engine that leaves the folder; one within the model is none."""
        path = self._owner.bytes_of(item, _LONGEST_PATH + 1).decode("utf-8", "replace")
        if len(path) <= _LONGEST_PATH and _ELSEWHERE.fullmatch(path):
            message = f"names a compiled engine outside of the model's folder: {path!r}"
            self._owner.remarks.add(Remark("path-escape", message, offset=item.start))

    def _program(self, item: Field) -> None:
        """Remark on a text or an attribute that is a program; elements are judged by tensors."""
        name = self._specs[item.number].name
        if item in self._elements and name != _STRINGS:
            return
        what = signature(self._owner.bytes_of(item))
        if what is None:
            return
        kind = "embedded-program" if self._is_engine() and name == "s" else "hidden-program"
        message = f"{item.end - item.start:,} bytes of {name} of a {self._kind} are {what}"
        self._owner.remarks.add(Remark(kind, message, offset=item.start))
