"""bitsandbytes: NF4 and FP4 in blocks, and LLM.int8 by rows.

Source: bitsandbytes, `functional.py`; huggingface/transformers, `integrations/bitsandbytes.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modlint.analysis.quantisation.scheme import Group, Misfit, Scheme, Unsettled, ceil
from modlint.checkpoint import Tensor
from modlint.errors import UnreadableError
from modlint.results.quantisation import Layout

_METHODS = frozenset({"bitsandbytes", "bitsandbytes_4bit", "bitsandbytes_8bit"})
_MOST = 1 << 16


def four_bits(group: Group) -> Layout:
    """Codes in bytes, high half first; the shape stands in a state of JSON."""
    state = stated(group.parts["state"])
    shape, run = state.get("shape"), state.get("blocksize")
    if not _sizes(shape) or not _sizes([run]) or not isinstance(shape, list):
        raise Misfit("state", (), f"it states shape {shape!r:.60} and blocksize {run!r:.20}")
    elements = 1
    for size in shape:
        elements *= size
    codes = group.parts["codes"]
    if codes.nbytes != ceil(elements, 2):
        raise Misfit("codes", ((ceil(elements, 2), 1),))
    runs = ceil(elements, int(str(run)))
    group.require("scale", (runs,))
    group.require("map", (16,))
    nested = group.parts["scale"].dtype.name == "uint8"
    if nested:
        size = state.get("nested_blocksize", 256)
        if not _sizes([size]) or not isinstance(state.get("nested_offset", 0.0), int | float):
            raise Misfit("state", (), f"it states nested_blocksize {size!r:.20}")
        if not {"nested_scale", "nested_map"} <= group.parts.keys():
            absent = "nested_map" if "nested_scale" in group.parts else "nested_scale"
            raise Misfit(absent, (), "the scales are codes themselves, which it scales")
        group.require("nested_scale", (ceil(runs, int(str(size))),))
        group.require("nested_map", (256,))
    return Layout("bitsandbytes", tuple(shape), 4, group=int(str(run)))


def stated(tensor: Tensor) -> Mapping[str, Any]:
    """The JSON object in the bytes of a tensor."""
    if tensor.dtype.name != "uint8" or tensor.elements > _MOST:
        raise Misfit("state", (), f"it is {tensor.dtype.name} of {tensor.elements:,} elements")
    try:
        first = tensor.storage_offset
        parsed = json.loads(bytes(tensor.storage.read()[first : first + tensor.elements]))
    except (ValueError, RecursionError) as error:
        raise Misfit("state", (), f"its bytes are no JSON: {str(error)[:60]}") from error
    except UnreadableError as error:
        raise Unsettled(str(error)) from error
    if not isinstance(parsed, dict):
        raise Misfit("state", (), "its bytes are no JSON object")
    return parsed


def eight_bits(group: Group) -> Layout:
    """A row's largest element beside its codes: q·SCB/127."""
    codes = group.shape("codes")
    if len(codes) != 2:
        raise Misfit("codes", (), "codes of a linear layer have two axes")
    group.require("scale", (codes[0],), (codes[0], 1))
    return Layout("scaled", codes, 8, (1, codes[1]), denominator=127.0)


def _sizes(values: object) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40
        for value in values
    )


SCHEMES = (
    Scheme(
        "bitsandbytes 4 bits",
        _METHODS,
        ".weight",
        frozenset({"uint8", "bfloat16", "float16", "float32"}),
        {
            "scale": (".weight.absmax",),
            "map": (".weight.quant_map",),
            "state": (
                ".weight.quant_state.bitsandbytes__nf4",
                ".weight.quant_state.bitsandbytes__fp4",
            ),
            "nested_scale": (".weight.nested_absmax",),
            "nested_map": (".weight.nested_quant_map",),
        },
        ("scale", "map", "state"),
        four_bits,
        told_by=("scale", "map", "state", "nested_scale"),
        shared=(),
        lone=("scale", "map", "state", "nested_scale", "nested_map"),
    ),
    Scheme(
        "bitsandbytes LLM.int8",
        _METHODS,
        ".weight",
        frozenset({"int8"}),
        {"scale": (".SCB",), "format": (".weight_format",)},
        ("scale",),
        eight_bits,
        told_by=("scale", "format"),
        lone=("scale",),
    ),
)
