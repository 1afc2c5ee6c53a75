"""Tensors beside those of another checkpoint: what rules and `modlint diff` measure."""

from __future__ import annotations

from typing import Any, ClassVar

from modlint.analysis.base import Array, Inputs, Pair, PairAnalysis
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.drift import Drift, Scaling

_PRECISION = {
    "float64": (2.0**-52, 2.0**-1074),
    "float32": (2.0**-23, 2.0**-149),
    "float16": (2.0**-10, 2.0**-24),
    "bfloat16": (2.0**-7, 2.0**-133),
    "float8_e4m3fn": (2.0**-3, 2.0**-9),
    "float8_e4m3fnuz": (2.0**-3, 2.0**-10),
    "float8_e5m2": (2.0**-2, 2.0**-16),
    "float8_e5m2fnuz": (2.0**-2, 2.0**-17),
}
"""By type, the step between its numbers near 1, and its smallest number."""


class TensorDrift(PairAnalysis[Tensor, Drift], frozen=True):
    """How a tensor's elements differ from those of its counterpart in the reference."""

    name: ClassVar[str] = "tensor-drift"
    description: ClassVar[str] = "how a tensor differs from its counterpart in the reference"

    def compute(self, pair: Pair[Tensor], inputs: Inputs) -> Drift:
        """Compare them, a bounded piece of both at a time.

        Raises:
            Unavailable: their shapes differ, or one of them cannot be read.
        """
        new, old = pair.subject, pair.reference
        if new.shape != old.shape:
            raise Unavailable(f"tensor {new.name}: of another shape than in the reference")
        values, before = inputs.stored(new.name), inputs.reference.stored(old.name)
        return drift_of(on_cpu(before), on_cpu(values), cast(old.dtype.name, new.dtype.name))


def cast(old: str, new: str) -> tuple[float, float] | None:
    """Relative and absolute error of a cast between two types; None where there is none.

    Args:
        old: PyTorch's name of a type.
        new: another.
    """
    if old == new or old not in _PRECISION or new not in _PRECISION:
        return None
    return max(_PRECISION[old], _PRECISION[new])


def drift_of(old: Array, new: Array, tolerance: tuple[float, float] | None = None) -> Drift:
    """How two arrays of one shape differ; one may be a transposed view."""
    from modlint.numerics.compare.drift import drift

    return drift(old, new, tolerance)


def scaling_of(old: Array, new: Array) -> Scaling:
    """What is left of their difference when rows, or columns, may be rescaled."""
    from modlint.numerics.compare.drift import scaling

    return scaling(old, new)


def on_cpu(values: Array) -> Array:
    """An array of numpy; what lies on a GPU is brought back."""
    return values if hasattr(values, "flags") else _from_torch(values)


def _from_torch(values: Any) -> Array:
    import torch

    wide = values.cpu()
    return (wide.float() if wide.dtype == torch.bfloat16 else wide).numpy()
