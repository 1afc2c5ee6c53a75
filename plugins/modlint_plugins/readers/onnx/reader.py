"""ONNX models: tensors and graph, without loading a weight."""

from __future__ import annotations

from typing import Any

from modlint.checkpoint import Checkpoint, Remark
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.onnx.collector import Collector
from modlint_plugins.readers.onnx.external import ExternalFiles
from modlint_plugins.readers.onnx.functions import shadowed_operators
from modlint_plugins.readers.onnx.graph import OnnxGraph
from modlint_plugins.readers.onnx.identify import is_model
from modlint_plugins.readers.onnx.skeleton import MAX_ATTRIBUTE, TEXT_ATTRIBUTE, Skeleton
from modlint_plugins.readers.onnx.tensors import TensorSource
from modlint_plugins.readers.onnx.types import text
from modlint_plugins.readers.onnx.wire import WireError, read_field

OLDEST_OPSET = 7
_MAX_TEXT = 1000
_AGAIN = "download the file again, or export the model again"


class OnnxReader:
    """ONNX models (ModelProto), the weights inside or beside them."""

    name = "onnx"
    description = "ONNX models: initializers, constants, external data, the graph"
    family = "protobuf"

    def sniff(self, source: Source) -> bool:
        """Whether the top-level fields are a ModelProto's, whole or cut off at the end."""
        return is_model(source.view)

    def read(self, source: Source) -> Checkpoint:
        """Read the structure and find the tensors; the elements stay in the file.

        Raises:
            UnreadableError: the file is truncated, is no protobuf message, or exceeds a limit.
        """
        skeleton = _skeleton(source)
        model = _parse(skeleton.message)
        files = ExternalFiles(source.path)
        tensor_source = TensorSource(source.view, skeleton.spans, files)
        collector = Collector(tensor_source)
        collector.model(model)
        noticed = (*collector.remarks, *files.remarks, *skeleton.concealed.remarks)
        remarks = (*noticed, *_remarks(model, skeleton))
        return Checkpoint(
            path=source.path,
            format=self.name,
            nbytes=source.nbytes,
            tensors=collector.tensors,
            metadata=_metadata(model),
            remarks=tuple(dict.fromkeys(remarks)),
            faults=tuple(collector.faults),
            graph=OnnxGraph(model, tensor_source),
        )


def _skeleton(source: Source) -> Skeleton:
    try:
        return Skeleton.of(source.view)
    except WireError as error:
        what = "truncated" if _is_cut_off(source) else "unreadable"
        raise UnreadableError(
            f"{what} ONNX model: {error}", help=_AGAIN, offset=error.offset
        ) from error


def _is_cut_off(source: Source) -> bool:
    """Whether a top-level field reaches past the end of the file."""
    position = 0
    try:
        while position < source.nbytes:
            position = read_field(source.view, position, source.nbytes).end
    except WireError as error:
        return bool(error.missing)
    return False


def _parse(message: bytes) -> Any:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return onnx.ModelProto.FromString(message)
    except DecodeError as error:
        raise UnreadableError(f"unreadable ONNX model: {error}", help=_AGAIN) from error


def _remarks(model: Any, skeleton: Skeleton) -> list[Remark]:
    remarks = []
    if skeleton.left_out:
        message = f"attribute values above {MAX_ATTRIBUTE >> 20} MiB were not examined"
        remarks.append(Remark("large-attribute", message, offset=skeleton.left_out[0].tag))
    texts = [item for item in skeleton.left_out if item.number == TEXT_ATTRIBUTE]
    if texts:
        message = f"attributes above {MAX_ATTRIBUTE >> 20} MiB hold text that was not searched"
        remarks.append(Remark("metadata-cut", message, offset=texts[0].tag))
    for opset in model.opset_import:
        if text(opset.domain) in ("", "ai.onnx") and opset.version < OLDEST_OPSET:
            message = f"operator set {opset.version} is older than {OLDEST_OPSET}"
            remarks.append(Remark("old-opset", message, help="convert the model to a newer one"))
    remarks += [Remark("shadowed-operator", message) for message in shadowed_operators(model)]
    return remarks


def _metadata(model: Any) -> dict[str, str | int]:
    """Scalars and strings of the model, long ones cut."""
    fields = ("producer_name", "producer_version", "domain", "doc_string")
    found: dict[str, str | int] = {"ir_version": model.ir_version}
    found |= {name: text(getattr(model, name)) for name in fields}
    found |= {"model_version": model.model_version, "graph": text(model.graph.name)}
    for opset in model.opset_import:
        found[f"opset.{text(opset.domain) or 'ai.onnx'}"] = opset.version
    for entry in model.metadata_props:
        found[f"metadata.{text(entry.key)[:_MAX_TEXT]}"] = text(entry.value)
    return {
        name: value[:_MAX_TEXT] if isinstance(value, str) else value
        for name, value in found.items()
        if value not in ("", 0)
    }
