"""compressed-tensors, packed: several codes in a word or a byte, for vLLM.

Source: vllm-project/compressed-tensors, `compressors/pack_quantized`, `nvfp4`, `mxfp4`.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import WORDS, Group, Misfit, Scheme, Unsettled, ceil
from modlint.analysis.quantisation.small import whole_numbers
from modlint.results.quantisation import Layout

_METHODS = frozenset({"compressed-tensors"})


def integers(group: Group) -> Layout:
    """Codes of `bits` in words along the inputs; the shape stands in a tensor of its own."""
    *lead, out, words = _at_least_two(group)
    size = _inputs(group, words)
    bits = group.settings.bits or _bits(size, words)
    if ceil(size * bits, 32) != words and ceil(size, 32 // bits) != words:
        expected = (*lead, out, ceil(size * bits, 32))
        raise Misfit("codes", (expected,))
    if ceil(size * bits, 32) != words:
        raise Unsettled(f"codes of {bits} bits that straddle no word are not computed")
    across = groups_of(group, tuple(lead), out, size)
    groups = ceil(size, across)
    group.require("zero_point", (*lead, ceil(out * bits, 32), groups), (*lead, out, groups))
    if "group_index" in group.parts:
        group.require("group_index", (size,))
        raise Unsettled("its inputs belong to groups in an order of their own")
    if lead:
        raise Unsettled("packed weights of experts in one tensor are not computed")
    return Layout(
        "packed", (out, size), bits, (1, across), offset=1 << (bits - 1), group=0, axis=-1
    )


def nvfp4(group: Group) -> Layout:
    """Two FP4 codes a byte, a scale for 16 of them, and one that divides all scales."""
    *lead, out, octets = _at_least_two(group)
    size = octets * 2
    group.require("scale", (*lead, out, ceil(size, 16)))
    group.require("global_scale", (1,), (), *(((lead[0],), (lead[0], 1)) if lead else ()))
    if "global_scale" not in group.parts:
        raise Misfit("global_scale", ((1,),), "scales in FP8 are themselves scaled by it")
    return Layout("packed", (*lead, out, size), 4, (1, 16), decoding="e2m1", axis=-1, divides=True)


def mxfp4(group: Group) -> Layout:
    """Two FP4 codes a byte, a power of two for 32 of them."""
    *lead, out, octets = _at_least_two(group)
    group.require("scale", (*lead, out, ceil(octets * 2, 32)))
    return Layout("packed", (*lead, out, octets * 2), 4, (1, 32), decoding="e2m1", axis=-1)


def packed_bytes(group: Group) -> Layout:
    """The scheme of four bits that the scales' type tells."""
    return mxfp4(group) if group.parts["scale"].dtype.name == "uint8" else nvfp4(group)


def groups_of(group: Group, lead: tuple[int, ...], out: int, size: int) -> int:
    """How many inputs share a scale, by the configuration or by the scale's shape."""
    settings, shape = group.settings, group.shape("scale")
    whole = ((*lead, out, 1), (*lead, out))
    if settings.strategy == "tensor":
        group.require("scale", (1,), (), *whole)
        return size
    if settings.strategy == "channel" or settings.group == 0:
        group.require("scale", *whole)
        return size
    if settings.group:
        group.require("scale", (*lead, out, ceil(size, settings.group)))
        return settings.group
    if shape in whole:
        return size
    fits = shape[:-1] == (*lead, out) and shape[-1] and not size % shape[-1]
    if not fits:
        raise Misfit("scale", ((*lead, out, ceil(size, 128)), whole[0]))
    return size // shape[-1]


def _inputs(group: Group, words: int) -> int:
    """Size of the last axis, which the tensor beside the codes states."""
    if "shape" not in group.parts:
        bits = group.settings.bits
        if bits is None:
            raise Unsettled("neither the file nor a configuration says how many inputs there are")
        return words * 32 // bits
    group.require("shape", (len(group.shape("codes")),))
    stated = stated_sizes(group)
    if stated[:-1] != group.shape("codes")[:-1] or not 0 < stated[-1] <= words * 32:
        raise Misfit("shape", (), f"it says {list(stated)} of codes {list(group.shape('codes'))}")
    return stated[-1]


def stated_sizes(group: Group) -> tuple[int, ...]:
    """The elements of the small tensor that states a shape."""
    tensor = group.parts["shape"]
    sizes = whole_numbers(tensor)
    if not sizes or min(sizes) < 0:
        found = f"it is {tensor.dtype.name} {list(tensor.shape)} of {list(sizes or ())}"
        raise Misfit("shape", (), found)
    return sizes


def _bits(size: int, words: int) -> int:
    fitting = [bits for bits in (4, 8, 2, 3, 5, 6, 7, 1) if ceil(size * bits, 32) == words]
    if not fitting:
        raise Misfit("codes", tuple((size * bits // 32,) for bits in (4, 8)))
    return fitting[0]


def _at_least_two(group: Group) -> tuple[int, ...]:
    shape = group.shape("codes")
    if not 2 <= len(shape) <= 3 or 0 in shape:
        raise Misfit("codes", (), "codes of a linear layer have two axes, none of them empty")
    return shape


_BESIDE = {
    "scale": (".weight_scale",),
    "zero_point": (".weight_zero_point",),
    "group_index": (".weight_g_idx",),
    "input_scale": (".input_scale", ".input_global_scale"),
}

SCHEMES = (
    Scheme(
        "compressed-tensors pack-quantized",
        _METHODS,
        ".weight_packed",
        WORDS,
        {**_BESIDE, "shape": (".weight_shape",)},
        ("scale",),
        integers,
        told_by=(),
        shared=("shape", "zero_point", "group_index", "input_scale"),
    ),
    Scheme(
        "compressed-tensors nvfp4 or mxfp4",
        _METHODS,
        ".weight_packed",
        frozenset({"uint8"}),
        {**_BESIDE, "global_scale": (".weight_global_scale",)},
        ("scale",),
        packed_bytes,
        told_by=(),
        shared=("global_scale", "input_scale"),
        lone=("scale", "global_scale"),
    ),
)
