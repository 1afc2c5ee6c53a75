"""torchao's tensor subclasses as safetensors hold them.

Source: pytorch/ao, `torchao/prototype/safetensors`.
"""

from __future__ import annotations

import json

from modlint.analysis.quantisation.scheme import FP8, Group, Misfit, Scheme, Unsettled, ceil
from modlint.results.quantisation import Layout

_COMPUTED = frozenset({"Int8Tensor", "Float8Tensor", "IntxUnpackedToInt8Tensor"})
_EIGHT_BITS = frozenset({"int8"}) | FP8


def layout(group: Group) -> Layout:
    """A code an element: (q − z)·s, in blocks that the metadata states."""
    kind, stated = _stated(group)
    codes = group.shape("codes")
    if (
        "scale" not in group.parts
        or kind not in _COMPUTED
        or group.parts["codes"].dtype.name not in _EIGHT_BITS
    ):
        raise Unsettled(f"codes of torchao's {kind or 'unknown type'} are not computed")
    if len(codes) != 2:
        raise Unsettled(f"codes of {len(codes)} axes are not computed")
    across = stated or (1, codes[1])
    tall, wide = (ceil(size, by) for size, by in zip(codes, across, strict=True))
    flat = [(tall,)] if wide == 1 else [(wide,)] if tall == 1 else []
    group.require("scale", (tall, wide), *flat, *([(), (1,)] if tall * wide == 1 else []))
    if "zero_point" in group.parts:
        group.require("zero_point", group.shape("scale"), (tall, wide), *flat)
    return Layout("scaled", codes, 8, across)


def _stated(group: Group) -> tuple[str, tuple[int, int] | None]:
    """The subclass and its block, which the metadata states for the weight."""
    text = group.metadata.get(f"{group.stem}.weight")
    try:
        parsed = json.loads(text) if isinstance(text, str) else {}
        data = parsed.get("_data")
        block = data.get("block_size") if isinstance(data, dict) else None
        kind = str(parsed.get("_type", ""))
    except (ValueError, AttributeError, RecursionError) as error:
        raise Misfit("codes", (), "its metadata is no JSON object") from error
    if not isinstance(block, list) or not all(isinstance(n, int) and n > 0 for n in block):
        return kind, None
    return kind, (int(block[0]), int(block[1])) if len(block) == 2 else None


SCHEMES = (
    Scheme(
        "torchao",
        frozenset({"torchao"}),
        "._weight_qdata",
        frozenset({"int8", "uint8", "int32"}) | FP8,
        {"scale": ("._weight_scale",), "zero_point": ("._weight_zero_point",)},
        (),
        layout,
        told_by=(),
        shared=("scale", "zero_point"),
        lone=("scale",),
    ),
)
