"""Weights that are stored as codes: numbers that mean nothing without a scale beside them."""

from __future__ import annotations

from collections.abc import Mapping

from modlint.checkpoint import Tensor

_BESIDE = (
    "weight_scale",
    "weight_scale_inv",
    "weight_scale_2",
    "weight_scales",
    "weight_scaling_factor",
    "weights_scaling_factor",
    "scale_weight",
    "scale",
    "scales",
    "scale_inv",
    "SCB",
    "absmax",
)
"""What stands beside a module's weight: the names of compressed-tensors, DeepSeek, TensorRT,
ComfyUI and bitsandbytes."""

_BEHIND = ("_scale", "_scale_inv", "_scales", ".scale", ".scales", ".SCB", ".absmax")
"""What follows the whole name of any other weight."""


def scale_of(tensor: Tensor, tensors: Mapping[str, Tensor]) -> str | None:
    """Name of a tensor that scales another's elements; None where these are the values themselves.

    Codes have a byte or less: FP8, and integers that stand for fractions. Their zeros, and the
    NaN among them, are what they are without the scale.

    Args:
        tensor: whose elements.
        tensors: all of the file, by name.
    """
    if tensor.dtype.bits > 8 or tensor.dtype.kind not in ("float", "int", "uint"):
        return None
    module, dot, last = tensor.name.rpartition(".")
    names = [tensor.name + end for end in _BEHIND]
    if last == "weight":
        names += [f"{module}{dot}{name}" for name in _BESIDE]
    return next((name for name in names if name in tensors), None)
