"""EETQ: eight bits a code, in an order that its kernels read.

Source: huggingface/transformers, `integrations/eetq.py`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import Group, Misfit, Scheme, Unsettled
from modlint.results.quantisation import Layout


def layout(group: Group) -> Layout:
    """The transposed weight, a scale an output; its kernels' order is not undone."""
    codes = group.shape("codes")
    if len(codes) != 2:
        raise Misfit("codes", (), "codes of a linear layer have two axes")
    group.require("scale", (codes[1],), (codes[1], 1), (1, codes[1]))
    raise Unsettled("EETQ stores codes in the order of its kernels, which is not undone")


SCHEMES = (
    Scheme(
        "EETQ",
        frozenset({"eetq"}),
        ".weight",
        frozenset({"int8"}),
        {"scale": (".weight_scales",)},
        ("scale",),
        layout,
    ),
)
