"""Quantised weights: which tensors make one, what its values are, what its parts contradict.

`QuantisedWeights` finds them. `logical_tensors` puts a float tensor of the weight's own name and
shape in the place of its codes and scales; `blocks` gives its values a bounded number of rows at a
time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from modlint.analysis.base import Analysis, Array, FileAnalysis, Inputs
from modlint.analysis.beside import Document
from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.quantisation import onnx, torch_ao
from modlint.analysis.quantisation.find import find
from modlint.analysis.quantisation.orphans import orphans_of
from modlint.analysis.quantisation.promises import breaches_of
from modlint.analysis.quantisation.settings import Settings, settings_of
from modlint.analysis.quantisation.weights import parts_by_weight, weights_of
from modlint.checkpoint import Checkpoint, Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.errors import Unavailable
from modlint.results.quantisation import Quantisation, QuantisedWeight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DOCUMENTS = tuple(
    map(
        Document,
        (
            "config.json",
            "quantize_config.json",
            "quant_config.json",
            "hf_quant_config.json",
            "quanto_qmap.json",
        ),
    )
)
"""The files that say how the weights beside them are quantised."""


_MODEL = re.compile(
    r"((diffusion_)?pytorch_model|model|gptq_model|tf_model|quantized_model|weights)\b[^/]*$"
)
"""Names of the files that a model's configuration speaks of."""


class QuantisedWeights(FileAnalysis[Quantisation], frozen=True):
    """The weights of a checkpoint that are stored as codes, by names, types and shapes."""

    name: ClassVar[str] = "quantised-weights"
    description: ClassVar[str] = "weights stored as codes with scales, and what contradicts"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The files beside the checkpoint that say how it is quantised."""
        return DOCUMENTS

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> Quantisation:
        """Find them; values are not read, but for sizes that small tensors state."""
        if isinstance(checkpoint.graph, OnnxGraph):
            return onnx.quantisation_of(checkpoint)
        settings, unknown = _settings(checkpoint, inputs)
        return _quantisation(checkpoint, settings, unknown)


def _quantisation(
    checkpoint: Checkpoint, settings: Sequence[Settings], unknown: str = ""
) -> Quantisation:
    first, tensors = settings[0] if settings else Settings(), checkpoint.tensors
    found = [*find(tensors, first, checkpoint.metadata), *torch_ao.find(checkpoint)]
    weights, breaches = weights_of(found)
    parts = parts_by_weight(weights)
    breaches += orphans_of(tensors, first, parts, {weight.scheme for weight in weights})
    breaches += breaches_of(settings, weights, tensors, is_model=_is_model(checkpoint))
    return Quantisation(
        {weight.name: weight for weight in weights},
        parts,
        tuple(breaches),
        first.method,
        unknown,
        first.weights and bool(settings),
        first.second,
        first.symmetric,
        first.ordered,
    )


def _is_model(checkpoint: Checkpoint) -> bool:
    """Whether the configuration in a folder speaks of this file."""
    return _MODEL.match(checkpoint.path.name) is not None


def blocks(weight: QuantisedWeight, elements: int = 1 << 22) -> Iterator[NDArray[np.float32]]:
    """A weight's values in order, rows of it at a time: (rows, columns) in float32.

    Args:
        weight: any of `QuantisedWeights`.
        elements: about how many to compute at a time.

    Raises:
        Unavailable: how its codes become values is not known, or a part cannot be read.
        UnreadableError: the bytes of a part cannot be read.
    """
    from modlint.numerics.quantisation import values

    return values.blocks(weight, elements)


def values_of(weight: QuantisedWeight) -> Array:
    """All of a weight's values at once, in its own shape, in float32.

    Raises:
        Unavailable: how its codes become values is not known, or a part cannot be read.
        UnreadableError: the bytes of a part cannot be read.
    """
    from modlint.numerics.quantisation import values

    return values.whole(weight)


def logical_tensors(checkpoint: Checkpoint, quantisation: Quantisation) -> dict[str, Tensor]:
    """The checkpoint's tensors with those of quantised weights replaced by the weights.

    Each is a float32 tensor of the weight's name and shape, whose storage computes all values when
    it is read; `blocks` gives them piece by piece. Weights whose values cannot be computed, or
    whose shape is not stored (`Layout.flat`), keep their parts.
    """
    tensors = {}
    for name, tensor in checkpoint.tensors.items():
        weight = quantisation.weights.get(quantisation.parts.get(name, ""))
        if weight is None or weight.layout is None or weight.layout.flat:
            tensors[name] = tensor
        elif name == weight.parts["codes"].name:
            tensors[weight.name] = _logical(weight, tensor)
    return tensors


def logical_by_names(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The same as far as names, types and shapes tell, without what stands beside the file."""
    if isinstance(checkpoint.graph, OnnxGraph):
        return dict(checkpoint.tensors)
    return logical_tensors(checkpoint, _quantisation(checkpoint, ()))


def _logical(weight: QuantisedWeight, codes: Tensor) -> Tensor:
    dtype, shape = DTYPES["float32"], weight.shape
    elements = 1
    for size in shape:
        elements *= size

    def read() -> memoryview:
        return memoryview(values_of(weight).reshape(-1)).cast("B")

    storage = Storage(weight.name, dtype.nbytes(elements), read, member=codes.storage.member)
    strides = contiguous_strides(shape)
    return Tensor(weight.name, dtype, shape, strides, storage, 0, codes.section, codes.role)


def _settings(checkpoint: Checkpoint, inputs: Inputs) -> tuple[tuple[Settings, ...], str]:
    documents: dict[str, Mapping[str, Any] | None] = {}
    unknown = ""
    for document in DOCUMENTS:
        try:
            documents[document.file] = inputs.result(document, checkpoint)
        except Unavailable as unavailable:
            unknown = unknown or str(unavailable)
    return settings_of(documents), unknown
