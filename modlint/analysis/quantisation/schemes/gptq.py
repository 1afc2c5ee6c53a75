"""GPTQ in the layout of AutoGPTQ, GPTQModel and auto-round, both formats.

Source: AutoGPTQ, `nn_modules/qlinear/qlinear_cuda_old.py`; GPTQModel, `checkpoint_format`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import WORDS, Group, Misfit, Scheme, ceil
from modlint.results.quantisation import Layout


def layout(group: Group) -> Layout:
    """The transposed weight packed along its rows, zero points along their columns."""
    codes = group.shape("codes")
    if len(codes) != 2 or 0 in codes:
        raise Misfit("codes", (), "codes of a linear layer have two axes, none of them empty")
    packed, out = codes
    bits = group.settings.bits or _bits(group, packed, out)
    inputs = packed * 32 // bits
    size = group.settings.group
    if size is None and "group_index" not in group.parts:
        size = _size(group, inputs)
    groups = ceil(inputs, size) if size else _groups(group, size)
    if inputs * bits != packed * 32:
        raise Misfit("codes", (), f"{packed} rows of words hold no whole number of {bits} bits")
    group.require("scale", (groups, out))
    group.require("zero_point", (groups, ceil(out * bits, 32)))
    group.require("group_index", (inputs,))
    second = group.settings.second is True
    return Layout("gptq", (out, inputs), bits, offset=0 if second else 1, group=size or 0)


def _bits(group: Group, packed: int, out: int) -> int:
    """By the zero points, or by the index of groups, which has an entry an input."""
    index, zeros = group.parts.get("group_index"), group.parts.get("zero_point")
    for bits in (4, 8, 2, 3):
        if index is not None and len(index.shape) == 1 and index.shape[0] * bits == packed * 32:
            return bits
        if index is None and zeros is not None and zeros.shape[-1:] == (ceil(out * bits, 32),):
            return bits
    return 4


def _groups(group: Group, size: int | None) -> int:
    shape = group.shape("scale")
    return 1 if size == 0 or len(shape) != 2 else shape[0]


def _size(group: Group, inputs: int) -> int | None:
    shape = group.shape("scale")
    fits = len(shape) == 2 and shape[0] and not inputs % shape[0]
    return inputs // shape[0] if fits else None


SCHEMES = (
    Scheme(
        "GPTQ",
        frozenset({"gptq", "auto-round", "intel/auto-round"}),
        ".qweight",
        WORDS,
        {"scale": (".scales",), "zero_point": (".qzeros",), "group_index": (".g_idx",)},
        ("scale",),
        layout,
        told_by=(),
        shared=("zero_point", "group_index"),
        lone=("scale", "zero_point", "group_index"),
    ),
)
