"""Which tensors are weights of layers: what statistical rules judge, and nothing else.

Masks, hidden states, prior boxes, position tables and the buffers of norms are no weights, however
large they are: what is unusual in a weight is usual in them. Nor are codes that a scale turns into
weights, or the cells of a table that was saved beside a model.
"""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.onnx_operands import Operands, operands
from modlint.analysis.quantisation import QuantisedWeights
from modlint.analysis.tables import is_cell
from modlint.analysis.weight_names import is_fixed_operand, is_weight_name
from modlint.checkpoint import Checkpoint, Role, Tensor

MIN_ELEMENTS = 256
"""Of a layer weight; statistics ask for `MIN_STATISTICAL`."""
MIN_STATISTICAL = 1024

MIN_WIDTH = 8
"""Rows and columns of a table that is an embedding where only an ONNX graph says so."""

MAX_CODE = 32
"""Bits of the integers that codes are packed into; longer ones are indices."""

_BYTE = 8


class LayerWeights(FileAnalysis["frozenset[str]"], frozen=True):
    """Names of the tensors that are weights of layers.

    Float tensors of at least two axes and `min_elements` elements, whose first two sizes are not
    both 1, and which a layer reads as its weight: in an ONNX model an operand of Conv, Gemm,
    MatMul, a recurrent layer or the table of an embedding, elsewhere by name. Elements of a byte
    are weights where no weight of the file is quantised, and codes otherwise.

    Attributes:
        min_elements: fewer make no layer weight.
        codes: whether the stored codes of such weights, of any type, are named too.
    """

    min_elements: int = MIN_ELEMENTS
    codes: bool = False

    name: ClassVar[str] = "layer-weights"
    description: ClassVar[str] = "which tensors are weights of layers"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are parts of quantised weights: they are no values."""
        return (QuantisedWeights(),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> frozenset[str]:
        """Tell them apart."""
        parts = inputs.result(QuantisedWeights(), checkpoint).parts
        shaped = [t for t in checkpoint.tensors.values() if self._is_shaped(t)]
        if parts and not self.codes:
            shaped = [t for t in shaped if t.name not in parts and t.dtype.bits > _BYTE]
        if isinstance(checkpoint.graph, OnnxGraph):
            read = operands(checkpoint.graph.model)
            return frozenset(t.name for t in shaped if _is_read(t, read))
        return frozenset(
            t.name for t in shaped if is_weight_name(t.key) and not is_cell(t, checkpoint)
        )

    def _is_shaped(self, tensor: Tensor) -> bool:
        if tensor.role is not Role.WEIGHT:
            return False
        is_code = tensor.dtype.kind in ("int", "uint") and tensor.dtype.bits <= MAX_CODE
        if tensor.dtype.kind != "float" and not (self.codes and is_code):
            return False
        if tensor.dtype.name.startswith("float8_e8m0"):  # exponents that scale others
            return False
        shape = tensor.shape
        return len(shape) >= 2 and tensor.elements >= self.min_elements and shape[:2] != (1, 1)


def _is_read(tensor: Tensor, read: Operands) -> bool:
    """Whether a layer of an ONNX model reads it as a weight, or as the table of an embedding."""
    name = _plain(tensor.key)
    if name in read.layers:
        return not is_fixed_operand(name)
    return name in read.tables and _is_embedding(tensor) and is_weight_name(name)


def _is_embedding(tensor: Tensor) -> bool:
    return len(tensor.shape) == 2 and min(tensor.shape) >= MIN_WIDTH


def _plain(key: str) -> str:
    """The name that nodes call a tensor by."""
    return key.partition("#")[0]
