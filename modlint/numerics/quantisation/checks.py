"""What the elements of scales, zero points and tables contradict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.checkpoint import Tensor
from modlint.errors import Unavailable, UnreadableError
from modlint.numerics.quantisation.formulas import rows_of
from modlint.numerics.quantisation.packing import floats, scales, unpack
from modlint.numerics.quantisation.values import BLOCK, elements_of, quiet
from modlint.results.quantisation import Breach, Layout, Quantisation, QuantisedWeight

_SCALES = {
    "scale": "scale",
    "global_scale": "global scale",
    "input_scale": "scale of the activations",
    "output_scale": "scale of the outputs",
    "nested_scale": "scale of the scales",
}
_OTHERS = {
    "zero_point": "zero point",
    "output_zero_point": "zero point",
    "bias": "bias",
    "map": "table",
    "nested_map": "table",
}
_SIGNED = frozenset({"MLX", "ONNX MatMulNBits"})
"""Schemes whose writers give scales the sign of the largest element."""
_NF4 = np.array(
    (
        *(-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0),
        *(0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0),
    ),
    np.float32,
)
_NAN = "every value that it scales is not a number, and so is every output that those reach"
_ZERO = "every value that it scales is zero, whatever its codes say"
_NEGATIVE = "every value that it scales has the wrong sign: writers store magnitudes"
_DIVIDES = "runtimes divide by it, and some refuse the model"


def breaches_of(quantisation: Quantisation) -> Iterator[Breach]:
    """Everything, weight by weight; what cannot be read is left to others."""
    judged: set[str] = set()
    for weight in quantisation.weights.values():
        for check in (_of_scales, _of_others, _of_order):
            yield from _guarded(check, weight, quantisation, judged)
    for tensor in quantisation.scales.values():
        if tensor.name not in judged:
            yield from _guarded_scale(tensor, judged)
    yield from _stored_zeros(quantisation)


Check = Callable[[QuantisedWeight, Quantisation, set[str]], Iterator[Breach]]


def _guarded(
    check: Check, weight: QuantisedWeight, quantisation: Quantisation, judged: set[str]
) -> Iterator[Breach]:
    try:
        with quiet():
            found = list(check(weight, quantisation, judged))
        yield from found
    except (Unavailable, UnreadableError):
        return


def _guarded_scale(tensor: Tensor, judged: set[str]) -> Iterator[Breach]:
    try:
        judged.add(tensor.name)
        with quiet():
            found = list(_of_scale(tensor, "scale", zero=_DIVIDES))
        yield from found
    except (Unavailable, UnreadableError):
        return


def _of_scales(
    weight: QuantisedWeight, quantisation: Quantisation, judged: set[str]
) -> Iterator[Breach]:
    strict = weight.parts["scale"].name in quantisation.scales if "scale" in weight.parts else False
    for role, what in _SCALES.items():
        tensor = weight.parts.get(role)
        if tensor is None or tensor.name in judged:
            continue
        judged.add(tensor.name)
        if role == "scale" and not strict:
            if not _nested(weight):
                yield from _of_scale(tensor, what, signed=weight.scheme in _SIGNED)
            yield from _zero_scales(weight)
        else:
            zero = None if role == "nested_scale" else _ZERO if role == "global_scale" else _DIVIDES
            yield from _of_scale(tensor, what, zero=zero)


def _nested(weight: QuantisedWeight) -> bool:
    return "nested_map" in weight.parts


def _of_scale(
    tensor: Tensor, what: str, *, signed: bool = False, zero: str | None = None
) -> Iterator[Breach]:
    """Elements that are not finite, below zero, or zero where they must not be."""
    if tensor.dtype.kind not in ("float", "uint") or not tensor.elements:
        return
    values = scales(elements_of(tensor)).reshape(-1)
    wrong = (
        ("not-finite", ~np.isfinite(values), "not finite", _NAN),
        ("negative", values < 0, "negative", _NEGATIVE),
        ("zero", values == 0, "zero", zero or ""),
    )
    for kind, mask, word, why in wrong:
        count = int(np.count_nonzero(mask))
        if not count or (kind == "negative" and signed) or not why:
            continue
        first = int(np.flatnonzero(mask)[0])
        found = f"{what}: {count:,} of {values.size:,} elements are {word}"
        found += f", the first at index {first:,}"
        measured = {"count": count, "elements": values.size, "first": first}
        yield Breach(f"scale-{kind}", tensor.name, found, why, measured)


def _zero_scales(weight: QuantisedWeight) -> Iterator[Breach]:
    """Scales of zero whose codes differ: of a group of zeros all codes are the same."""
    layout, tensor = weight.layout, weight.parts.get("scale")
    if layout is None or tensor is None or _nested(weight) or tensor.dtype.name == "uint8":
        return
    scale = floats(elements_of(tensor))
    zero = scale == 0
    count = int(np.count_nonzero(zero))
    if not count:
        return
    parts = {role: elements_of(part) for role, part in weight.parts.items()}
    parts["scale"] = np.where(zero, np.float32(1), np.float32(np.nan))
    for role in ("global_scale", "bias"):
        parts.pop(role, None)
    if not _vary(parts, layout):
        return
    found = f"{count:,} of {scale.size:,} scales are zero, and the codes that they scale are not"
    yield Breach("scale-zero", tensor.name, found, _ZERO, {"count": count, "elements": scale.size})


def _vary(parts: Mapping[str, NDArray[Any]], layout: Layout) -> bool:
    """Whether a row holds different codes where scales are 1 and not NaN."""
    rows = rows_of(parts, layout)
    step = max(1, BLOCK // max(1, layout.columns))
    for start in range(0, layout.rows, step):
        values = rows(start, min(start + step, layout.rows))
        known = ~np.isnan(values)
        low = np.where(known, values, np.inf).min(-1)
        high = np.where(known, values, -np.inf).max(-1)
        if np.any(high > low):
            return True
    return False


def _of_others(
    weight: QuantisedWeight,
    quantisation: Quantisation,  # noqa: ARG001
    judged: set[str],
) -> Iterator[Breach]:
    for role, what in _OTHERS.items():
        tensor = weight.parts.get(role)
        if tensor is None or tensor.name in judged or not tensor.elements:
            continue
        judged.add(tensor.name)
        stored = elements_of(tensor)
        if tensor.dtype.kind == "float":
            count = int(np.count_nonzero(~np.isfinite(floats(stored))))
            if count:
                found = f"{what}: {count:,} of {tensor.elements:,} elements are not finite"
                yield Breach("zero-point-not-finite", tensor.name, found, _NAN, {"count": count})
        elif role == "zero_point":
            yield from _zero_points(weight, tensor, stored)
        elif role == "output_zero_point":
            yield from _output_zero_point(tensor, int(stored.reshape(-1)[0]))
        if role == "map":
            yield from _table(weight, tensor, floats(stored).reshape(-1))


def _zero_points(weight: QuantisedWeight, tensor: Tensor, stored: NDArray[Any]) -> Iterator[Breach]:
    """Zero points, stored one an element, outside the codes' own range."""
    bounds = {"int8": (-128, 127), "uint8": (0, 255)}.get(weight.parts["codes"].dtype.name)
    loose = weight.scheme == "torchao" or weight.layout is None or weight.layout.formula != "packed"
    if bounds is None or not loose or weight.layout is None or weight.layout.bits != 8:
        return
    low, high = int(stored.min()), int(stored.max())
    if bounds[0] <= low and high <= bounds[1]:
        return
    found = f"zero points reach from {low:,} to {high:,}, and codes from {bounds[0]} to {bounds[1]}"
    why = "the zero of the weights is no code: values are shifted as a whole"
    yield Breach("zero-point-range", tensor.name, found, why, {"minimum": low, "maximum": high})


def _output_zero_point(tensor: Tensor, zero: int) -> Iterator[Breach]:
    if not -128 <= zero <= 255:
        found = f"the zero point of the outputs is {zero:,}, which eight bits do not hold"
        yield Breach("zero-point-range", tensor.name, found, "outputs are clipped", {"zero": zero})


def _table(weight: QuantisedWeight, tensor: Tensor, table: NDArray[Any]) -> Iterator[Breach]:
    if not weight.parts.get("state", tensor).name.endswith("nf4") or table.size != len(_NF4):
        return
    off = float(np.abs(table - _NF4).max())
    if not off <= 1e-3:
        found = f"its entries differ from those of NF4 by up to {off:.3g}"
        why = "every code is read as another value than the one that was meant"
        yield Breach("map-wrong", tensor.name, found, why, {"difference": off})


def _of_order(
    weight: QuantisedWeight, quantisation: Quantisation, judged: set[str]
) -> Iterator[Breach]:
    """The index of groups of GPTQ: within range, in order where that is promised, all of a size."""
    tensor, scale = weight.parts.get("group_index"), weight.parts.get("scale")
    if tensor is None or scale is None or weight.layout is None or tensor.name in judged:
        return
    judged.add(tensor.name)
    index, groups = elements_of(tensor).reshape(-1).astype(np.int64), scale.shape[0]
    if not index.size:
        return
    low, high = int(index.min()), int(index.max())
    measured = {"minimum": low, "maximum": high, "groups": groups}
    if low < 0 or high >= groups:
        found = f"it names groups from {low:,} to {high:,}, and there are {groups:,}"
        why = "kernels read scales outside of the tensor"
        yield Breach("group-index-range", tensor.name, found, why, measured)
        return
    size = weight.layout.group
    plain = bool(np.all(index == np.arange(index.size) // size)) if size else high == 0
    if not high or plain:
        return
    if quantisation.ordered is False:
        found = "desc_act is false, and its inputs are not in the order of their groups"
        why = "kernels take inputs in order where desc_act is false: scales go to the wrong inputs"
        yield Breach("group-index-order", tensor.name, found, why, measured)
    elif size and int(np.bincount(index).max()) > size:
        found = f"a group has {int(np.bincount(index).max()):,} inputs, and its size is {size:,}"
        why = "scales go to the wrong inputs"
        yield Breach("group-index-size", tensor.name, found, why, measured)


def _stored_zeros(quantisation: Quantisation) -> Iterator[Breach]:
    """Zero points of GPTQ that all are what the other format stores."""
    own = [w for w in quantisation.weights.values() if w.scheme == "GPTQ" and w.layout is not None]
    if quantisation.symmetric is not True or quantisation.second is None or not own:
        return
    wrong = []
    for weight in own:
        tensor, layout = weight.parts.get("zero_point"), weight.layout
        if tensor is None or layout is None:
            continue
        try:
            zeros = unpack(elements_of(tensor), layout.bits, layout.shape[0])
        except (Unavailable, UnreadableError):
            continue
        middle = 1 << (layout.bits - 1)
        other = middle - 1 if quantisation.second else middle
        if zeros.size and bool((zeros == other).all()):
            wrong.append((tensor, other, middle))
    if wrong:
        tensor, other, middle = wrong[0]
        stated, meant = ("gptq_v2", "gptq") if quantisation.second else ("gptq", "gptq_v2")
        found = (
            f"zero points of {len(wrong):,} of {len(own):,} weights are all {other}, which is what"
        )
        found += f" checkpoint_format {meant} stores for {middle}; the configuration says {stated}"
        why = "every value is off by one scale: the model answers with noise"
        yield Breach("zero-point-format", tensor.name, found, why, {"weights": len(wrong)})
