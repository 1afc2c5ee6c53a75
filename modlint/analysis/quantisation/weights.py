"""From tensors that belong together to quantised weights, and to what contradicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from modlint.analysis.quantisation.find import Found
from modlint.analysis.quantisation.scheme import WORDS, Group, Misfit, Scheme, Unsettled
from modlint.checkpoint import Tensor
from modlint.results.quantisation import Breach, QuantisedWeight

_ROLES = {
    "scale": "scale",
    "zero_point": "zero point",
    "global_scale": "global scale",
    "input_scale": "scale of the activations",
    "output_scale": "scale of the outputs",
    "group_index": "index of groups",
    "shape": "stated shape",
    "bias": "bias of its groups",
    "map": "table of values",
    "state": "state",
    "nested_scale": "scale of the scales",
    "nested_map": "table of the scales",
    "bits": "number of bits",
    "format": "format",
    "codes": "codes",
    "output_zero_point": "zero point of the outputs",
}
_KINDS = {
    "global_scale": ("float",),
    "nested_scale": ("float",),
    "nested_map": ("float",),
    "map": ("float",),
    "bias": ("float",),
    "group_index": ("int", "uint"),
    "shape": ("int", "uint"),
    "zero_point": ("float", "int", "uint"),
}
"""By part, the kinds of types that it may have."""
_PACKED_ZEROS = frozenset({".qweight"})
"""Ends of names of codes whose zero points are packed as they are."""
_NO_VALUES = "without it the codes mean nothing: loaders fail, or fill it with what lies in memory"
_UNFILLED = "loaders keep what it was initialised with, and give other values than were meant"
_GARBLED = "loaders refuse it, or pair codes with the scales of others"


def weights_of(found: Sequence[Found]) -> tuple[list[QuantisedWeight], list[Breach]]:
    """Every quantised weight, and what is missing or does not fit."""
    customary = _customary(found)
    weights, breaches = [], []
    for scheme, group in found:
        lacking = list(_lacking(scheme, group, customary.get(_kin(scheme, group), frozenset())))
        breaches += lacking
        weight, misfit = _weight(scheme, group)
        weights.append(weight)
        if misfit is not None and not (lacking and misfit.tensor == lacking[0].tensor):
            breaches.append(misfit)
    return weights, breaches


def _kin(scheme: Scheme, group: Group) -> tuple[str, str, str]:
    """What weights that are stored alike have in common."""
    return scheme.name, group.parts["codes"].dtype.name, str(group.settings.static_inputs)


def _customary(found: Iterable[Found]) -> dict[tuple[str, str, str], frozenset[str]]:
    """By kind of weight, the parts that at least half of them have."""
    have: dict[tuple[str, str, str], Counter[str]] = {}
    total: Counter[tuple[str, str, str]] = Counter()
    for scheme, group in found:
        kin = _kin(scheme, group)
        total[kin] += 1
        have.setdefault(kin, Counter()).update(r for r in scheme.shared if r in group.parts)
    return {
        kin: frozenset(role for role, n in roles.items() if 2 * n >= total[kin])
        for kin, roles in have.items()
    }


def _lacking(scheme: Scheme, group: Group, customary: frozenset[str]) -> Iterable[Breach]:
    """What a weight should have: what it cannot do without together, and each that is usual."""
    codes, absent = group.parts["codes"], [r for r in scheme.parts if r not in group.parts]
    required = [role for role in absent if role in scheme.required]
    if required:
        listed = " and no ".join(_ROLES.get(role, role) for role in required)
        yield _missing(scheme, group, required[0], f"{codes.name} has no {listed}", _NO_VALUES)
        return
    for role in absent:
        if role in customary:
            found = "which its siblings have"
        elif role == "input_scale" and group.settings.static_inputs and role in scheme.shared:
            found = f"which {group.settings.source} promises"
        else:
            continue
        found = f"{codes.name} has no {_ROLES.get(role, role)}, {found}"
        yield _missing(scheme, group, role, found, _UNFILLED)


def _missing(scheme: Scheme, group: Group, role: str, found: str, why: str) -> Breach:
    name = group.stem + scheme.parts[role][0]
    kind = f"{role.replace('_', '-')}-missing"
    return Breach(kind, name, found, why, {"codes": group.parts["codes"].name})


def _weight(scheme: Scheme, group: Group) -> tuple[QuantisedWeight, Breach | None]:
    name = group.stem + scheme.weight if group.stem else scheme.weight.lstrip(".")
    weight = QuantisedWeight(name or group.parts["codes"].name, scheme.name, dict(group.parts))
    missing = [role for role in scheme.required if role not in group.parts]
    if missing:
        return _without(weight, f"its {_ROLES.get(missing[0], missing[0])} is missing"), None
    strange = _strange_type(scheme, group)
    if strange is not None:
        return _without(weight, strange.found), strange
    try:
        layout = scheme.layout(group)
    except Unsettled as unsettled:
        return _without(weight, str(unsettled)), None
    except Misfit as misfit:
        breach = _misfit(scheme, group, misfit)
        return _without(weight, breach.found), breach
    return QuantisedWeight(weight.name, scheme.name, weight.parts, layout), None


def _strange_type(scheme: Scheme, group: Group) -> Breach | None:
    """A part of a type that no such part has."""
    for role, part in group.parts.items():
        kinds = _KINDS.get(role)
        if role == "zero_point" and scheme.codes in _PACKED_ZEROS:
            fits = part.dtype.name in WORDS
        elif role == "scale":
            fits = part.dtype.kind == "float" or part.dtype.name == "uint8"
        else:
            fits = kinds is None or part.dtype.kind in kinds
        if not fits:
            what = _ROLES.get(role, role)
            found = f"{what} of {group.parts['codes'].name} is of the type {part.dtype.name}"
            return Breach(f"{role.replace('_', '-')}-type", part.name, found, _GARBLED)
    return None


def _without(weight: QuantisedWeight, reason: str) -> QuantisedWeight:
    return QuantisedWeight(weight.name, weight.scheme, weight.parts, None, reason)


def _misfit(scheme: Scheme, group: Group, misfit: Misfit) -> Breach:
    codes, role = group.parts["codes"], misfit.role
    what = _ROLES.get(role, role)
    if role not in group.parts:
        found = f"{codes.name} has no {what}: {misfit.why}"
        return _missing(scheme, group, role, found, _NO_VALUES)
    part = group.parts[role]
    if misfit.why:
        found = f"{what} of {codes.name}: {misfit.why}"
        return Breach(f"{role.replace('_', '-')}-wrong", part.name, found, _GARBLED)
    fitting = " or ".join(str(list(shape)) for shape in dict.fromkeys(misfit.expected))
    beside = "" if role == "codes" else f" for {_described(codes)} codes {codes.name}"
    turned = part.shape[::-1] in misfit.expected and len(set(part.shape)) > 1
    found = f"{what} has the shape {list(part.shape)}{beside}, where {fitting} is due"
    values = {"shape": list(part.shape), "expected": [list(shape) for shape in misfit.expected]}
    kind = f"{role.replace('_', '-')}-{'transposed' if turned else 'shape'}"
    return Breach(
        kind, part.name, found + (": it is transposed" if turned else ""), _GARBLED, values
    )


def _described(codes: Tensor) -> str:
    return f"{codes.dtype.name} {list(codes.shape)}"


def parts_by_weight(weights: Iterable[QuantisedWeight]) -> Mapping[str, str]:
    """By name of each tensor that belongs to a weight, the weight's name."""
    return {part.name: weight.name for weight in weights for part in weight.parts.values()}
