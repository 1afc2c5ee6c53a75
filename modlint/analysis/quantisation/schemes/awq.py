"""AWQ in the layout of AutoAWQ's GEMM.

Source: AutoAWQ, `utils/packing_utils.py`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import WORDS, Group, Misfit, Scheme, ceil
from modlint.results.quantisation import Layout


def layout(group: Group) -> Layout:
    """The transposed weight packed along its columns, eight interleaved ones a word."""
    codes = group.shape("codes")
    if len(codes) != 2 or 0 in codes:
        raise Misfit("codes", (), "codes of a linear layer have two axes, none of them empty")
    inputs, words = codes
    scale = group.shape("scale")
    fits = len(scale) == 2 and scale[0] and not inputs % scale[0]
    size = group.settings.group
    if size is None:
        size = inputs // scale[0] if fits else 128
    groups = ceil(inputs, size) if size else 1
    group.require("scale", (groups, words * 8))
    group.require("zero_point", (groups, words))
    return Layout("awq", (words * 8, inputs), 4, group=size)


SCHEMES = (
    Scheme(
        "AWQ",
        frozenset({"awq"}),
        ".qweight",
        WORDS,
        {"scale": (".scales",), "zero_point": (".qzeros",)},
        ("scale",),
        layout,
        told_by=(),
        shared=("zero_point",),
        lone=("scale", "zero_point"),
    ),
)
