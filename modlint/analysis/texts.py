"""Texts that a checkpoint carries beside its tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from modlint.analysis import FileAnalysis
from modlint.analysis.onnx_check import OnnxGraph
from modlint.checkpoint import Checkpoint
from modlint.errors import UnreadableError

MAX_TEXTS = 100_000
MAX_TEXT = 65_536
MAX_CHARACTERS = 64 << 20
"""Of all texts together."""
_CODE = "/code/"
_MAX_CODE = 1 << 20


@dataclass(frozen=True, slots=True)
class Text:
    """A text.

    Attributes:
        where: what it belongs to ("metadata author", "node MatMul_1").
        text: the text, its first `MAX_TEXT` characters.
        member: the archive member that holds it, if any.
        code: whether it is TorchScript code.
    """

    where: str
    text: str
    member: str | None = None
    code: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """The texts of a file.

    Attributes:
        texts: in the file's order.
        complete: whether these are all; a limit ended the search otherwise.
    """

    texts: tuple[Text, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Texts(FileAnalysis[Gathered]):
    """Metadata, doc strings and string attributes of ONNX nodes, TorchScript code."""

    name: ClassVar[str] = "texts"
    description: ClassVar[str] = "texts beside the tensors: metadata, doc strings, code"

    def compute(self, checkpoint: Checkpoint) -> Gathered:
        """Gather them, up to `MAX_TEXTS` and `MAX_CHARACTERS`."""
        found: list[Text] = []
        characters = 0
        for text in _texts(checkpoint):
            characters += len(text.text)
            if len(found) >= MAX_TEXTS or characters > MAX_CHARACTERS:
                return Gathered(tuple(found), False)
            found.append(text)
        return Gathered(tuple(found), True)


def _texts(checkpoint: Checkpoint) -> Iterator[Text]:
    for key, value in checkpoint.metadata.items():
        for text in _strings(value):
            yield Text(f"metadata {key!r}", text[:MAX_TEXT])
    for member in checkpoint.members:
        if _CODE in member.name and member.name.endswith(".py"):
            try:
                code = bytes(member.read(_MAX_CODE)).decode("utf-8", "backslashreplace")
            except UnreadableError:
                continue  # the reader or its checksum reports it
            yield Text(f"code {member.name!r}", code, member.name, code=True)
    if isinstance(checkpoint.graph, OnnxGraph):
        yield from _graph_texts(checkpoint.graph.model.graph)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (item for item in value if isinstance(item, str))


def _graph_texts(graph: Any) -> Iterator[Text]:
    yield from _doc("the graph", graph)
    for node in graph.node:
        label = f"node {_text(node.name) or _text(node.op_type)!r}"
        yield from _doc(label, node)
        for attribute in node.attribute:
            for value in (attribute.s, *attribute.strings):
                if value:
                    yield Text(f"{label}, attribute {_text(attribute.name)!r}", _text(value))
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from _graph_texts(inner)


def _doc(where: str, holder: Any) -> Iterator[Text]:
    if holder.doc_string:
        yield Text(where, _text(holder.doc_string))


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    return value[:MAX_TEXT].decode("utf-8", "backslashreplace")
