"""Texts that a checkpoint carries beside its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from modlint.analysis.base import FileAnalysis
from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.onnx_texts import onnx_texts
from modlint.checkpoint import Checkpoint
from modlint.errors import UnreadableError

MAX_TEXTS = 100_000
MAX_TEXT = 65_536
"""Characters of a piece; a longer text is searched in pieces that overlap."""
MAX_CHARACTERS = 64 << 20
"""Of all texts together."""
_OVERLAP = 5_000
"""More than the longest secret has."""
_DEBUG = ".debug_pkl"
_TORCHSCRIPT = "/code/"
_MAX_CODE = 16 << 20
_CUT = "metadata-cut"
_MAX_NESTED = 16


class Text(Struct, frozen=True):
    """A text.

    Attributes:
        where: what it belongs to ("metadata author", "node MatMul_1").
        text: the text, or a piece of it of `MAX_TEXT` characters.
        member: the archive member that holds it, if any.
        code: whether it is TorchScript code, or stands where that does.
        debug: whether it is one of TorchScript's records of where its code came from.
        source: whether it is Python source of any other kind.
    """

    where: str
    text: str
    member: str | None = None
    code: bool = False
    source: bool = False
    debug: bool = False


class Gathered(Struct, frozen=True):
    """The texts of a file.

    Attributes:
        texts: in the file's order; pieces of a long one follow each other.
        missing: why these are not all, None where they are.
    """

    texts: tuple[Text, ...]
    missing: str | None = None


class Texts(FileAnalysis[Gathered], frozen=True):
    """Metadata, tensors' names, code, every text of an ONNX model."""

    name: ClassVar[str] = "texts"
    description: ClassVar[str] = "texts beside the tensors: metadata, doc strings, code"

    def compute(self, checkpoint: Checkpoint) -> Gathered:
        """Gather them, up to `MAX_TEXTS` and `MAX_CHARACTERS`."""
        found: list[Text] = []
        characters = 0
        for piece in (piece for text in _texts(checkpoint) for piece in _pieces(text)):
            characters += len(piece.text)
            if len(found) >= MAX_TEXTS or characters > MAX_CHARACTERS:
                return Gathered(tuple(found), f"only the first {len(found):,} texts: the limit")
            found.append(piece)
        return Gathered(tuple(found), next(_missing(checkpoint), None))


def _texts(checkpoint: Checkpoint) -> Iterator[Text]:
    is_onnx = isinstance(checkpoint.graph, OnnxGraph)  # all of its texts are in the graph
    metadata = {} if is_onnx else checkpoint.metadata
    yield from _joined("a tensor's name", () if is_onnx else checkpoint.tensors)
    yield from _joined("a key of the metadata", map(str, metadata))
    for key, value in metadata.items():
        for text in _strings(value):
            yield Text(f"metadata {key!r}", text)
    yield from _of_pickles(checkpoint)
    for member in checkpoint.members:
        if member.name.endswith(".py"):
            try:
                code = bytes(member.read(_MAX_CODE)).decode("utf-8", "backslashreplace")
            except UnreadableError:
                continue  # the reader or its checksum reports it
            scripted = _TORCHSCRIPT in f"/{member.name}"
            where = f"code {member.name!r}"
            yield Text(where, code, member.name, code=scripted, source=not scripted)
    if isinstance(checkpoint.graph, OnnxGraph):
        yield from (Text(where, text) for where, text in onnx_texts(checkpoint.graph))


def _of_pickles(checkpoint: Checkpoint) -> Iterator[Text]:
    """The texts of pickles that are no metadata and no tensor's name."""
    known = set(checkpoint.tensors)
    known |= {text for value in checkpoint.metadata.values() for text in _strings(value)}
    for trace in checkpoint.pickles:
        for text in dict.fromkeys(trace.texts):
            if text not in known:
                debug = (trace.member or "").endswith(_DEBUG)
                yield Text("a text of the pickle", text, trace.member, debug=debug)


def _missing(checkpoint: Checkpoint) -> Iterator[str]:
    """What of the texts is not there."""
    for remark in checkpoint.remarks:
        if remark.kind == _CUT:
            yield remark.message
    if any(trace.texts_cut for trace in checkpoint.pickles):
        yield "the texts of a pickle are kept up to a limit"
    for member in checkpoint.members:
        if member.name.endswith(".py") and member.nbytes > _MAX_CODE:
            yield f"only the first {_MAX_CODE:,} bytes of {member.name!r}"


def _joined(where: str, names: Iterable[str]) -> Iterator[Text]:
    """Names, which are many and short, as one text."""
    text = "\n".join(names)
    if text:
        yield Text(where, text)


def _pieces(text: Text) -> Iterator[Text]:
    if len(text.text) <= MAX_TEXT:
        yield text
        return
    for start in range(0, len(text.text) - _OVERLAP, MAX_TEXT - _OVERLAP):
        yield replace(text, text=text.text[start : start + MAX_TEXT])


def _strings(value: object) -> Iterator[str]:
    """The texts in a value, keys of mappings too."""
    pending = [(value, 0)]
    while pending:
        held, depth = pending.pop()
        if isinstance(held, str):
            yield held
        elif depth < _MAX_NESTED and isinstance(held, (list, tuple)):
            pending += ((item, depth + 1) for item in reversed(held))
        elif depth < _MAX_NESTED and isinstance(held, Mapping):
            pending += ((part, depth + 1) for pair in held.items() for part in pair)
