"""HQQ as a state_dict with its settings among the tensors.

Source: mobiusml/hqq, `core/quantize.py`, `core/bitpack.py`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import BYTES, WORDS, Group, Misfit, Scheme, Unsettled
from modlint.analysis.quantisation.schemes.compressed_tensors import stated_sizes
from modlint.analysis.quantisation.small import numbers
from modlint.results.quantisation import Layout


def layout(group: Group) -> Layout:
    """Groups of the flattened weight, packed by parts of the whole."""
    if "shape" not in group.parts:
        raise Unsettled("the file does not say its shape")
    shape = stated_sizes(group)
    codes = group.parts["codes"]
    bits = _bits(group)
    per = 10 if bits == 3 and codes.dtype.name in WORDS else 8 // bits
    if len(codes.shape) != 2 or not shape or min(shape) < 1:
        raise Misfit("shape", (), f"it says {list(shape)} of codes {list(codes.shape)}")
    elements = 1
    for size in shape:
        elements *= size
    if codes.elements * per < elements or codes.elements * per - elements > 10 * codes.shape[1]:
        raise Misfit("codes", (), f"they do not hold {elements:,} codes of {bits} bits")
    height = elements // codes.shape[1]
    group.require("scale", (height, 1), (1, codes.shape[1]))
    group.require("zero_point", group.shape("scale"))
    return Layout("hqq", shape, bits, group=codes.shape[1])


def _bits(group: Group) -> int:
    stated = (numbers(group.parts["bits"]) if "bits" in group.parts else None) or (0,)
    if stated[0] not in (1, 2, 3, 4, 8):
        raise Unsettled("the file does not say how many bits a code has")
    return int(stated[0])


SCHEMES = (
    Scheme(
        "HQQ",
        frozenset({"hqq"}),
        ".W_q",
        BYTES | WORDS,
        {
            "scale": (".scale",),
            "zero_point": (".zero",),
            "shape": (".shape",),
            "bits": (".nbits",),
        },
        ("scale", "zero_point"),
        layout,
        told_by=(),
        shared=("shape", "bits"),
        lone=(),
    ),
)
