"""NVIDIA ModelOpt: two codes a byte in the tensor that has the weight's own name.

Source: NVIDIA/Model-Optimizer, `modelopt/torch/export/quant_utils.py`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import Group, Misfit, Scheme, Unsettled, ceil
from modlint.results.quantisation import Layout

_METHODS = frozenset({"modelopt", "modelopt_fp4"})


def layout(group: Group) -> Layout:
    """FP4 with scales in FP8 or E8M0, or pairs of rows of integers."""
    codes = group.shape("codes")
    if not 2 <= len(codes) <= 3 or 0 in codes:
        raise Misfit("codes", (), "codes of a linear layer have two axes, none of them empty")
    kind = group.parts["scale"].dtype.name
    if kind == "float8_e4m3fn":
        return _nvfp4(group)
    return _mxfp4(group) if kind in ("uint8", "float8_e8m0fnu") else _pairs_of_rows(group)


def _nvfp4(group: Group) -> Layout:
    *lead, out, octets = group.shape("codes")
    if "marker" in group.parts:
        raise Unsettled("its scales lie in the order of its kernels, which is not undone")
    group.require("scale", (*lead, out, ceil(octets * 2, 16)))
    group.require("global_scale", (), (1,), *(((lead[0],), (lead[0], 1)) if lead else ()))
    if "global_scale" not in group.parts:
        raise Misfit("global_scale", ((),), "scales in FP8 are themselves scaled by it")
    return Layout("packed", (*lead, out, octets * 2), 4, (1, 16), decoding="e2m1", axis=-1)


def _mxfp4(group: Group) -> Layout:
    *lead, out, octets = group.shape("codes")
    group.require("scale", (*lead, out, ceil(octets * 2, 32)))
    return Layout("packed", (*lead, out, octets * 2), 4, (1, 32), decoding="e2m1", axis=-1)


def _pairs_of_rows(group: Group) -> Layout:
    *lead, half, inputs = group.shape("codes")
    scale, rows = group.shape("scale"), (*lead, half * 2)
    size = group.settings.group
    if size:
        group.require("scale", (*rows, ceil(inputs, size)))
    elif scale[:-1] != rows or not scale[-1] or inputs % scale[-1]:
        raise Misfit("scale", ((*rows, ceil(inputs, 128)),))
    if "global_scale" in group.parts:
        raise Unsettled("codes of four bits with a second scale are not computed")
    across = size or inputs // scale[-1]
    return Layout("packed", (*rows, inputs), 4, (1, across), decoding="signed", group=2, axis=0)


SCHEMES = (
    Scheme(
        "ModelOpt 4 bits",
        _METHODS,
        ".weight",
        frozenset({"uint8"}),
        {
            "scale": (".weight_scale",),
            "global_scale": (".weight_scale_2",),
            "input_scale": (".input_scale",),
            "marker": (".comfy_quant",),
        },
        ("scale",),
        layout,
        told_by=("scale", "global_scale"),
        shared=("global_scale", "input_scale"),
        lone=("scale", "global_scale"),
    ),
)
