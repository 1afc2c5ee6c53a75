"""Tables of token embeddings, and rows of them that look untrained."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs, WholeTensorAnalysis
from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.weight_names import HEADS, TOKEN_TABLES
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.errors import Unavailable
from modlint.results.embedding_rows import EmbeddingRowCounts

MIN_ROWS = 64
MIN_COLUMNS = 8

_STATISTICS = TensorStatistics()
_TABLE = re.compile(
    rf"(^|[._/])({TOKEN_TABLES}|{HEADS}|tokens?_embed\w*|word_emb\w*|char_emb\w*|embeddings?|embed"
    r"|emb)([._](weight|embedding|embeddings|kernel))?$",
    re.IGNORECASE,
)
_NO_TABLE = re.compile(r"pos(ition)?|time|type|segment|relative|rotary|patch|class|label", re.I)


class EmbeddingTables(FileAnalysis["tuple[str, ...]"], frozen=True):
    """Names of the tables of token embeddings and heads, each storage once, in the file's order.

    In an ONNX model a table is what a Gather takes rows of, elsewhere its name tells.
    """

    name: ClassVar[str] = "embedding-tables"
    description: ClassVar[str] = "which tensors are tables of token embeddings"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[str, ...]:  # noqa: ARG002
        """Tell them apart."""
        gathered = frozenset[str]()
        if isinstance(checkpoint.graph, OnnxGraph):
            gathered = _gathered(checkpoint.graph.model)
        found: dict[object, str] = {}
        for tensor in checkpoint.tensors.values():
            named = _TABLE.search(tensor.key) is not None or tensor.key in gathered
            if named and _NO_TABLE.search(tensor.key) is None and _is_table(tensor):
                place = (id(tensor.storage), tensor.storage_offset, tensor.shape)
                found.setdefault(place, tensor.name)
        return tuple(found.values())


class EmbeddingRows(WholeTensorAnalysis[EmbeddingRowCounts], frozen=True):
    """Rows of zeros, equal rows, and rows next to the mean row.

    Zeros are counted over whole rows, and equal rows are compared whole; distances over at most 256
    columns.
    """

    name: ClassVar[str] = "embedding-rows"
    description: ClassVar[str] = "zero, equal and average rows of an embedding table"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which rows are zero."""
        return (_STATISTICS,)

    def compute(self, tensor: Tensor, inputs: Inputs) -> EmbeddingRowCounts:
        """Read the columns twice: for the mean row, and for the distances to it.

        Raises:
            Unavailable: the elements cannot be read, or are not all finite.
        """
        from modlint.numerics.tensor.embedding_rows import embedding_rows

        statistics = inputs.result(_STATISTICS, tensor)
        if statistics.non_finite:
            raise Unavailable(f"tensor {tensor.name}: not all elements are finite")
        return embedding_rows(inputs.weight(tensor.name), statistics.zero_rows)


def _is_table(tensor: Tensor) -> bool:
    if tensor.role is not Role.WEIGHT or tensor.dtype.kind != "float" or tensor.dtype.bits < 16:
        return False
    shape = tensor.shape
    return len(shape) == 2 and shape[0] >= MIN_ROWS and shape[1] >= MIN_COLUMNS


def _gathered(model: Any) -> frozenset[str]:
    """Names of what Gather takes rows of."""
    axis_0 = (
        node
        for node in model.graph.node
        if node.op_type == "Gather" and all(a.name != "axis" or a.i == 0 for a in node.attribute)
    )
    return frozenset(node.input[0] for node in axis_0 if node.input)
