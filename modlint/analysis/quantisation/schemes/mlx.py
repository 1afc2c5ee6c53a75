"""MLX: codes in words along the inputs, with scales and biases.

Source: ml-explore/mlx, `mlx.core.quantize`; mlx-lm, `utils.py`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import Group, Misfit, Scheme, Unsettled, ceil
from modlint.results.quantisation import Layout

_SIZES = (32, 64, 128)
_BITS = (2, 3, 4, 5, 6, 8)


def layout(group: Group) -> Layout:
    """q·s + b of each group; of the formats of OCP powers of two without biases."""
    *lead, words = group.shape("codes")
    scale = group.shape("scale")
    if not lead or 0 in group.shape("codes") or scale[:-1] != tuple(lead) or not scale:
        raise Misfit("scale", ((*lead, scale[-1] if scale else 1),))
    if group.parts["scale"].dtype.name == "uint8":
        return _ocp(group, (*lead, words * 8), words)
    group.require("bias", scale)
    if "bias" not in group.parts:
        raise Misfit("bias", (scale,), "codes of MLX have no sign: without it no value is below 0")
    bits, size = _bits_and_size(group, words, scale[-1])
    shape = (*lead, words * 32 // bits)
    group.require("scale", (*lead, ceil(shape[-1], size)))
    return Layout("packed", shape, bits, (1, size), axis=-1)


def _bits_and_size(group: Group, words: int, groups: int) -> tuple[int, int]:
    settings = group.settings
    if settings.bits and settings.group:
        return settings.bits, settings.group
    fitting = [
        (bits, size)
        for bits in _BITS
        for size in _SIZES
        if words * 32 % bits == 0 and words * 32 // bits == groups * size
    ]
    if not fitting:
        raise Misfit("scale", (), f"{words} words of codes a row do not give {groups} groups")
    if len(fitting) > 1:
        raise Unsettled("no configuration says how many bits a code has")
    return fitting[0]


def _ocp(group: Group, shape: tuple[int, ...], words: int) -> Layout:
    mode = group.settings.strategy
    if mode == "mxfp8":
        raise Unsettled("MXFP8 of MLX is not computed")
    size = 16 if mode == "nvfp4" else 32
    group.require("scale", (*shape[:-1], words * 8 // size))
    if mode == "nvfp4":
        raise Unsettled("NVFP4 of MLX is not computed")
    return Layout("packed", shape, 4, (1, 32), decoding="e2m1", axis=-1)


SCHEMES = (
    Scheme(
        "MLX",
        frozenset({"mlx"}),
        ".weight",
        frozenset({"uint32"}),
        {"scale": (".scales",), "bias": (".biases",)},
        ("scale",),
        layout,
        told_by=("scale", "bias"),
        lone=(),
    ),
)
