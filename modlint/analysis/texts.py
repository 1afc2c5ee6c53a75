"""Texts that a checkpoint carries beside its tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from modlint.analysis import FileAnalysis
from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.onnx_texts import onnx_texts
from modlint.checkpoint import Checkpoint
from modlint.errors import UnreadableError

MAX_TEXTS = 100_000
MAX_TEXT = 65_536
MAX_CHARACTERS = 64 << 20
"""Of all texts together."""
_CUT = "metadata-cut"
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
    """Metadata, every text of an ONNX model, TorchScript code."""

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
        cut = any(remark.kind == _CUT for remark in checkpoint.remarks)
        return Gathered(tuple(found), not cut)


def _texts(checkpoint: Checkpoint) -> Iterator[Text]:
    is_onnx = isinstance(checkpoint.graph, OnnxGraph)  # all of its texts are in the graph
    for key, value in () if is_onnx else checkpoint.metadata.items():
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
        yield from (Text(where, text) for where, text in onnx_texts(checkpoint.graph))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (item for item in value if isinstance(item, str))
