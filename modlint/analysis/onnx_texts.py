"""Every text of an ONNX model: found by going through the whole message, whatever its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modlint.analysis.onnx_check import OnnxGraph

_APART = 8
"""Texts of one kind that are told apart; more of them are searched as one."""
_KINDS = {
    "ModelProto": "model",
    "GraphProto": "graph",
    "NodeProto": "node",
    "TensorProto": "tensor",
    "ValueInfoProto": "value",
    "FunctionProto": "function",
    "OperatorSetIdProto": "operator set",
}
_ELEMENTS = frozenset({"raw_data", "string_data"})
_MODULE = re.compile(r"/(?=(?:home|Users|root)/)")
"""Exporters name nodes by the path of their module; one called root is no home folder."""


def onnx_texts(graph: OnnxGraph) -> Iterator[tuple[str, str]]:
    """Each text with what it belongs to: doc strings, metadata, attributes, strings, names.

    What more than a few places have in common (the stack traces that an exporter gives each node)
    is one text, and so are all names.
    """
    texts = _Texts(graph)
    texts.walk(graph.model, "the model")
    return texts.found()


class _Texts:
    """Gathers texts by kind.

    Args:
        graph: the model, and where its strings are.
    """

    def __init__(self, graph: OnnxGraph) -> None:
        self._graph = graph
        self._names: dict[str, None] = {}
        self._kinds: dict[tuple[str, str], dict[str, str]] = {}  # text: whose it is

    def walk(self, message: Any, whose: str) -> None:
        """Gather the texts of a message and of those in it."""
        kind = message.DESCRIPTOR.name
        if kind in _KINDS and kind != "ModelProto":
            whose = f"{_KINDS[kind]} {_name(message)!r}"
        if kind == "StringStringEntryProto":
            self._add(f"metadata {_text(message.key)!r}", whose, message.value)
            self._names[_text(message.key)] = None
            return
        if kind == "TensorProto" and message.string_data:
            for text in self._graph.strings(message):
                self._add("strings", whose, text)
        for field, value in message.ListFields():
            if field.name in _ELEMENTS:
                continue
            repeated = not isinstance(value, (str, bytes)) and hasattr(value, "__len__")
            for item in value if repeated else (value,):
                if field.message_type is not None:
                    self.walk(item, whose)
                elif isinstance(item, (str, bytes)):
                    self._value(kind, field.name, message, whose, item)
                else:
                    break  # numbers

    def _value(self, kind: str, field: str, message: Any, whose: str, item: str | bytes) -> None:
        if field == "doc_string":
            self._add("doc string", whose, item)
        elif kind == "AttributeProto" and field in ("s", "strings"):
            self._add(f"attribute {_text(message.name)!r}", whose, item)
        else:
            self._names[_text(item)] = None

    def _add(self, what: str, whose: str, text: str | bytes) -> None:
        if text:
            owners = whose.partition(" '")[0].partition(' "')[0]
            self._kinds.setdefault((what, owners), {}).setdefault(_text(text), whose)

    def found(self) -> Iterator[tuple[str, str]]:
        """The texts, those of one kind together where they are many."""
        for (what, owners), texts in self._kinds.items():
            if len(texts) > _APART:
                yield f"{what} of {len(texts):,} {owners}s", "\n".join(texts)
            else:
                yield from ((f"{what} of {whose}", text) for text, whose in texts.items())
        names = "\n".join(self._names)
        if names:
            yield "the names of the graph", _MODULE.sub(".", names)


def _name(message: Any) -> str:
    if message.DESCRIPTOR.name == "OperatorSetIdProto":
        return _text(message.domain)
    own = _text(message.name)
    if not own and message.DESCRIPTOR.name == "NodeProto":
        own = next(map(_text, message.output), "") or _text(message.op_type)
    return own


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
