"""The batch norms of a file: by name, and in an ONNX model by the nodes that read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.analysis.onnx_check import OnnxGraph
from modlint.checkpoint import Checkpoint, Role, Tensor

_MEANS = ("running_mean", "moving_mean", "_mean", "movingMean")
_VARIANCES = {
    "running_mean": ("running_var",),
    "moving_mean": ("moving_variance", "moving_var"),
    "_mean": ("_variance",),
    "movingMean": ("movingVariance",),
}
"""What PyTorch, Keras and MXNet, PaddlePaddle and TensorFlow.js call the two."""
_SCALES = ("weight", "gamma", "scale")
_SHIFTS = ("bias", "beta", "offset")
_SUFFIXES = ("", ":0", "/Read/ReadVariableOp:0", "/read:0")
"""What exporters leave behind the name of a TensorFlow variable."""


class BatchNorm(Struct, frozen=True):
    """A batch norm, by the names of its tensors.

    Attributes:
        name: of the module, or of the node.
        mean: running mean, None where the file lacks it.
        variance: running variance, None where the file lacks it.
        scale: γ, if it has one.
        shift: β, if it has one.
        batches: how many batches were tracked, if the file says so.
    """

    name: str
    mean: str | None
    variance: str | None
    scale: str | None = None
    shift: str | None = None
    batches: str | None = None


class BatchNorms(FileAnalysis[tuple[BatchNorm, ...]], frozen=True):
    """Modules that hold a running mean or variance, in the file's order."""

    name: ClassVar[str] = "batch-norms"
    description: ClassVar[str] = "batch norms and the names of their tensors"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[BatchNorm, ...]:  # noqa: ARG002
        """Find them; one that a node of an ONNX model reads is not told by its names again."""
        tensors = {t.name: t for t in checkpoint.tensors.values() if t.role is Role.WEIGHT}
        found: list[BatchNorm] = []
        if isinstance(checkpoint.graph, OnnxGraph):
            found += _of_nodes(checkpoint.graph.model, tensors)
        read = {name for norm in found for name in (norm.mean, norm.variance)}
        found += [norm for norm in _by_names(tensors) if not {norm.mean, norm.variance} & read]
        return tuple(found)


def _of_nodes(model: Any, tensors: Mapping[str, Tensor]) -> Iterator[BatchNorm]:
    for node in model.graph.node:
        if node.op_type == "BatchNormalization" and len(node.input) >= 5:
            scale, shift, mean, variance = (
                name if name in tensors else None for name in node.input[1:5]
            )
            if mean is not None and variance is not None:
                yield BatchNorm(node.name or node.output[0], mean, variance, scale, shift)


def _by_names(tensors: Mapping[str, Tensor]) -> Iterator[BatchNorm]:
    seen = set[str]()
    for name in tensors:
        found = _statistic(name)
        if found is None or found[0] in seen:
            continue
        module, mean, suffix = found
        seen.add(module)
        norm = _named(module, mean, suffix, tensors)
        # `_mean` alone is too common a name
        if mean != "_mean" or (norm.mean and norm.variance):
            yield norm


def _named(module: str, mean: str, suffix: str, tensors: Mapping[str, Tensor]) -> BatchNorm:
    def present(*names: str) -> str | None:
        wanted = (f"{module}{last}{suffix}" for last in names)
        return next((name for name in wanted if name in tensors), None)

    return BatchNorm(
        name=module[:-1],
        mean=present(mean),
        variance=present(*_VARIANCES[mean]),
        scale=present(*_SCALES),
        shift=present(*_SHIFTS),
        batches=present("num_batches_tracked"),
    )


def _statistic(name: str) -> tuple[str, str, str] | None:
    """A statistic's module with its separator, what the module calls its mean, and the suffix."""
    for suffix in _SUFFIXES:
        stem = name.removesuffix(suffix) if name.endswith(suffix) else None
        for mean in _MEANS if stem is not None else ():
            for last in (mean, *_VARIANCES[mean]):
                module = stem.removesuffix(last) if stem is not None else ""
                if module != stem and module[-1:] in ("", ".", "/"):
                    return module, mean, suffix
    return None
