"""Which tensors are weights of layers: what statistical rules judge, and nothing else.

Masks, hidden states, prior boxes, position tables and the buffers of norms are no weights, however
large they are: what is unusual in a weight is usual in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.quantisation import QuantisedWeights
from modlint.checkpoint import Checkpoint, Role, Tensor

MIN_ELEMENTS = 256
"""Of a layer weight; statistics ask for `MIN_STATISTICAL`."""
MIN_STATISTICAL = 1024

_OPERANDS = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "Gemm": (0, 1),
    "MatMul": (0, 1),
    "RNN": (1, 2),
    "LSTM": (1, 2),
    "GRU": (1, 2),
    "Attention": (1,),
    "QAttention": (1,),
    "FusedConv": (1,),
    "FusedGemm": (0, 1),
    "FusedMatMul": (0, 1),
    "DeformConv": (1,),
    "Einsum": (0, 1, 2),
}
"""By ONNX operator, which of its inputs may be weights."""
_PASSED_ON = frozenset(
    {"Cast", "DequantizeLinear", "Identity", "Reshape", "Transpose", "Unsqueeze"}
)
"""Operators behind which an operand is the tensor that they read first."""

_NO_WEIGHT = re.compile(
    r"(^|[.]|(?<!lora)_)("
    r"bias\w*|b|beta|gamma|masks?|\w+_mask|alibi|slopes?"
    r"|pos|pe|position\w*|pos_\w+|\w+_pos|positional\w*|\w*pos_?embed\w*|rel_pos\w*|relative_\w+"
    r"|time_embed\w*|freqs?\w*|inv_freq|cos|sin|\w+_cached|rope\w*|rotary\w*"
    r"|cls|cls_token|class_embed\w*|class_token|\w+_token|tokens|register_tokens|latents|queries"
    r"|query_embed\w*|anchors?\w*|priors?\w*|grid\w*|strides?|\w+_grid"
    r"|running_\w+|num_batches_tracked|means?|vars?|stds?|\w+_mean|\w+_std|\w+_var"
    r"|h0|c0|h_0|c_0|hidden\w*|states?|\w+_state|memory|cache\w*|buffers?|\w+_buffer|queue\w*"
    r"|windows?|filters?_bank|fbank|fb|mel_\w+|\w+_basis|\w+_basis_buffer|dft\w*|stft\w*|kernels?_1d"
    r"|min_vals?|max_vals?|scales?|zero_points?|zeros|\w+_scales?|\w+_scale_inv|scale_\w+"
    r"|weight_g|original0|lr_\w+|data_\w+|one_?hot|\w*origins|observations?|actions?|rewards?"
    r")$",
    re.IGNORECASE,
)
_TABLES = re.compile(
    r"(^|[._])(position\w*|pos_?emb\w*|wpe|relative_\w+|token_type_embeddings|segment_embeddings"
    r"|\w*position_embeddings?|\w*positional\w*|embed_positions|norm\w*|ln\w*|bn\w*|layer_?norm\w*)"
    r"[._]weight$",
    re.IGNORECASE,
)
"""Modules whose `weight` is a table of positions or of kinds, or scales what a norm gives."""


class LayerWeights(FileAnalysis["frozenset[str]"], frozen=True):
    """Names of the tensors that are weights of layers.

    Float tensors of at least two axes and `min_elements` elements, whose first two sizes are not
    both 1, and which a layer reads as its weight: in an ONNX model an operand of Conv, Gemm, MatMul
    or a recurrent layer, elsewhere by name. Codes and scales of quantised weights are none.

    Attributes:
        min_elements: fewer make no layer weight.
    """

    min_elements: int = MIN_ELEMENTS

    name: ClassVar[str] = "layer-weights"
    description: ClassVar[str] = "which tensors are weights of layers"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are parts of quantised weights: they are no values."""
        return (QuantisedWeights(),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> frozenset[str]:
        """Tell them apart."""
        codes = inputs.result(QuantisedWeights(), checkpoint).parts
        values = (t for t in checkpoint.tensors.values() if t.name not in codes)
        shaped = [t for t in values if _is_shaped(t, self.min_elements)]
        if isinstance(checkpoint.graph, OnnxGraph):
            read = _operands(checkpoint.graph.model)
            return frozenset(t.name for t in shaped if _plain(t.key) in read)
        return frozenset(t.name for t in shaped if is_weight_name(t.key))


def is_weight_name(key: str) -> bool:
    """Whether nothing in a tensor's name says that it is something else than a weight."""
    return _NO_WEIGHT.search(key) is None and _TABLES.search(key) is None


def _is_shaped(tensor: Tensor, min_elements: int) -> bool:
    if tensor.role is not Role.WEIGHT or tensor.dtype.kind != "float":
        return False
    shape = tensor.shape
    return len(shape) >= 2 and tensor.elements >= min_elements and shape[:2] != (1, 1)


def _plain(key: str) -> str:
    """The name that nodes call a tensor by."""
    return key.partition("#")[0]


def _operands(model: Any) -> set[str]:
    """Names of what layers read as weights, through what only passes it on."""
    nodes = list(_nodes(model.graph.node))
    for function in model.functions:
        nodes += _nodes(function.node)
    passed_on: dict[str, list[str]] = {}
    pending = []
    for node in nodes:
        if node.op_type in _PASSED_ON and node.input:
            for output in node.output:
                passed_on.setdefault(output, []).append(node.input[0])
        for index in _OPERANDS.get(node.op_type, ()):
            pending += node.input[index : index + 1]
    read: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in read:
            read.add(name)
            pending += passed_on.get(name, ())
    return read


def _nodes(nodes: Any) -> Iterator[Any]:
    """Nodes with those of the graphs in them."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _nodes(graph.node)
