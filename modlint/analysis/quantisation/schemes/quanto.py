"""optimum-quanto: a wrapped tensor's own parts behind the weight's name.

Source: huggingface/optimum-quanto, `tensor/weights/qbits.py`, `qbytes.py`, `tensor/packed.py`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import FP8, Group, Misfit, Scheme, Unsettled
from modlint.analysis.quantisation.schemes.scaled import block_of
from modlint.results.quantisation import Layout

_METHODS = frozenset({"quanto"})
_INPUTS = {"input_scale": (".input_scale",), "output_scale": (".output_scale",)}


def whole_bytes(group: Group) -> Layout:
    """A code an element: q·s."""
    return Layout("scaled", group.shape("codes"), 8, block_of(group, whole_only=True))


def packed(group: Group) -> Layout:
    """Rows are groups, in the order of the weight's elements; its own shape is not stored."""
    codes, scale = group.shape("codes"), group.shape("scale")
    if len(codes) != 2 or 0 in codes:
        raise Misfit("codes", (), "packed groups have two axes, none of them empty")
    group.require("zero_point", scale)
    per = next((n for n in (2, 4) if scale in {(codes[0] * n, 1), (codes[0] * n,)}), None)
    if per is None and scale[:1] == (1,):
        raise Unsettled("groups along the last axis are not computed")
    if per is None:
        raise Misfit("scale", ((codes[0] * 2, 1), (codes[0] * 4, 1)))
    return Layout("quanto", (codes[0] * per, codes[1]), 8 // per, (1, codes[1]), flat=True)


SCHEMES = (
    Scheme(
        "quanto int8 or float8",
        _METHODS,
        ".weight._data",
        frozenset({"int8"}) | FP8,
        {"scale": (".weight._scale",), **_INPUTS},
        ("scale",),
        whole_bytes,
        told_by=(),
    ),
    Scheme(
        "quanto int4 or int2",
        _METHODS,
        ".weight._data._data",
        frozenset({"uint8"}),
        {"scale": (".weight._scale",), "zero_point": (".weight._shift",), **_INPUTS},
        ("scale", "zero_point"),
        packed,
        told_by=(),
        lone=("scale", "zero_point"),
    ),
)
