"""Members of an ensemble that are copies of one another, whatever the order of their units."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.checkpoint import Tensor
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import nonzero, on_numpy
from modlint.numerics.tensor.sample import elements_at, spread_columns, spread_indices
from modlint.results.members import MemberGroup

Singles = NDArray[np.float32]

_ROWS, _COLUMNS, _ELEMENTS = 64, 256, 1 << 20
"""Units of a member that are looked for in another, weights of each that are read, and in all."""
_ALL_PAIRS = 16
"""Members up to which each is compared with each; of more, each with the next."""
_WORK = 3e10
"""Multiplications for one file; groups past it are not matched unit by unit."""
_SAMPLE = 1024
_ROUNDS = 64
_PIECE = 1 << 22
_LAST = re.compile(r"(^|[._])(down|out|output|w2|fc2|wo|o_proj|c_proj|proj_out|linear2)([._]|$)")
"""Names of weights that read hidden units, whose order is each member's own."""


@np.errstate(all="ignore")
def compared(
    groups: Sequence[tuple[str, Sequence[Any]]],
    tensors: Mapping[str, Tensor],
    inputs: Inputs,
    limits: tuple[float, int],
) -> tuple[MemberGroup, ...]:
    """Each group of members.

    Args:
        groups: by what holds them, members with `name` and `weights`, slices by their names.
        tensors: of the file.
        inputs: where the values are.
        limits: mean cosine above which two are alike, and the least weights of a unit.

    Raises:
        Unavailable: a weight cannot be read.
    """
    left, found = _WORK, list[MemberGroup]()
    for place, (name, members) in enumerate(groups):
        inputs.progress("comparing members", place, len(groups))
        weights = [MemberWeights(member.weights, tensors, inputs) for member in members]
        identical = _identical(weights)
        collapsed = _collapsed(weights)
        left_out = {*collapsed, *(i for group in identical for i in group[1:])}
        pairs = _pairs([i for i in range(len(weights)) if i not in left_out])
        left -= weights[0].cost(limits[1]) * len(pairs)
        cosines = _cosines(weights, pairs, limits[1]) if left > 0 else []
        found.append(
            MemberGroup(
                name=name,
                members=tuple(member.name for member in members),
                identical=identical,
                collapsed=collapsed,
                matched=tuple((i, j, c) for i, j, c in cosines if c > limits[0]),
                compared=len(cosines),
                closest=max((c for _, _, c in cosines), default=None),
            )
        )
    return tuple(found)


class MemberWeights:
    """The weights of a member, read where they are asked for.

    Attributes:
        names: of the weights within the member, sorted.
        places: where each lies in the file; tied members lie at the same.
        samples: some elements of each.
    """

    def __init__(
        self, slices: Mapping[str, Any], tensors: Mapping[str, Tensor], inputs: Inputs
    ) -> None:
        self.names = sorted(slices)
        self._slices, self._inputs = slices, inputs
        held = {name: tensors[part.tensor] for name, part in slices.items()}
        self.places = [
            (id(held[n].storage), held[n].storage_offset, slices[n].item) for n in self.names
        ]
        self._shapes = {
            n: t.shape if slices[n].item is None else t.shape[1:] for n, t in held.items()
        }
        self._zero: dict[str, bool] = {}
        self.samples = {name: self._sample(name) for name in self.names}

    def read(self, name: str) -> Array:
        """A weight as it is stored."""
        part = self._slices[name]
        values = self._inputs.stored(part.tensor)
        return values if part.item is None else values[part.item]

    def _sample(self, name: str) -> NDArray[np.float64]:
        values = self.read(name)
        return elements_at(values, spread_indices(int(np.prod(values.shape)), _SAMPLE))

    def is_zero(self, name: str) -> bool:
        """Whether all elements of a weight are."""
        if name not in self._zero:
            self._zero[name] = not self.samples[name].any() and not nonzero(self.read(name)).any()
        return self._zero[name]

    def readers(self, min_fan_in: int) -> list[str]:
        """Weights whose units have so many weights in, those that read the input first."""
        wide = [name for name in self._slices if self._size(name)[1] >= min_fan_in]
        return sorted(wide, key=lambda name: bool(_LAST.search(name)))

    def cost(self, min_fan_in: int) -> float:
        """Multiplications to match it with another; 0 where it cannot be."""
        sizes = [self._size(name) for name in self.readers(min_fan_in)[:1]]
        return sum(4.0 * _ROWS * max(size) * _COLUMNS for size in sizes)

    def _size(self, name: str) -> tuple[int, int]:
        units, *rest = self._shapes[name]
        return units, int(np.prod(rest, dtype=object))


def _identical(weights: Sequence[MemberWeights]) -> tuple[tuple[int, ...], ...]:
    """Groups with the same elements in every weight; tied ones are one and the same."""
    candidates: dict[bytes, list[int]] = defaultdict(list)
    for i, own in _untied(weights).items():
        candidates[b"".join(own.samples[name].tobytes() for name in own.names)].append(i)
    groups = list[tuple[int, ...]]()
    for rest in candidates.values():
        for _ in range(_ROUNDS):
            if len(rest) < 2 or all(map(weights[rest[0]].is_zero, weights[rest[0]].names)):
                break
            first, *others = rest
            same = [i for i in others if _is_same(weights[first], weights[i])]
            groups += [(first, *same)] if same else []
            rest = [i for i in others if i not in {*same}]
    return tuple(sorted(groups))


def _untied(weights: Sequence[MemberWeights]) -> dict[int, MemberWeights]:
    """The first of those that lie at the same place in the file."""
    first: dict[object, int] = {}
    for i, own in enumerate(weights):
        first.setdefault(tuple(own.places), i)
    return {i: weights[i] for i in first.values()}


def _is_same(one: MemberWeights, other: MemberWeights) -> bool:
    return all(_is_equal(one, other, name) for name in one.names)


def _is_equal(one: MemberWeights, other: MemberWeights, name: str) -> bool:
    if not np.array_equal(one.samples[name], other.samples[name]):
        return False
    a, b = one.read(name), other.read(name)
    if not on_numpy(a):
        return bool((a == b).all())
    step = max(1, _PIECE // max(1, a[0].size))
    starts = range(0, len(a), step)
    return all(a[i : i + step].tobytes() == b[i : i + step].tobytes() for i in starts)


def _collapsed(weights: Sequence[MemberWeights]) -> tuple[int, ...]:
    """Members with a weight that is zero, and is not in most of them."""
    odd = set[str]()
    for name in weights[0].names:
        zeros = sum(own.is_zero(name) for own in weights)
        odd |= {name} if 2 * zeros <= len(weights) else set()
    return tuple(i for i, own in enumerate(weights) if any(map(own.is_zero, odd)))


def _pairs(places: Sequence[int]) -> list[tuple[int, int]]:
    if len(places) <= _ALL_PAIRS:
        return list(itertools.combinations(places, 2))
    return list(itertools.pairwise(places))


def _cosines(
    weights: Sequence[MemberWeights], pairs: Iterable[tuple[int, int]], min_fan_in: int
) -> list[tuple[int, int, float]]:
    """By pair, how alike the units are of the first weight that is not the same in both."""
    kept: dict[tuple[int, str], tuple[Singles, ...]] = {}
    found = []
    for i, j in pairs:
        names = weights[i].readers(min_fan_in)
        name = next((n for n in names if not _is_equal(weights[i], weights[j], n)), None)
        if name is None:
            continue
        kept = {key: value for key, value in kept.items() if key[1] == name and key[0] >= i}
        for place in (i, j):
            if (place, name) not in kept:
                kept[place, name] = _directions(weights[place].read(name))
        sides = zip(kept[i, name], kept[j, name], strict=True)
        found.append((i, j, max(_matched(a, b) for a, b in sides)))
    return found


def _directions(values: Array) -> tuple[Singles, ...]:
    """Units at length 1, (units, some weights): rows, and columns of what may be turned."""
    width = int(np.prod(values.shape[1:]))
    sides = [_units(values, len(values), width, (width, 1))]
    if values.ndim == 2 and min(values.shape) > 1:
        sides.append(_units(values, width, len(values), (1, width)))
    return tuple(sides)


def _units(values: Array, units: int, width: int, steps: tuple[int, int]) -> Singles:
    columns = spread_columns(width, max(8, min(_COLUMNS, _ELEMENTS // units)))
    places = np.arange(units)[:, None] * steps[0] + columns * steps[1]
    rows = elements_at(values, places).astype(np.float32)
    rows = rows[np.isfinite(rows).all(1)]
    rows = rows[rows.max(1, initial=-np.inf) > rows.min(1, initial=np.inf)]
    scaled: Singles = rows / np.sqrt((rows * rows).sum(1, keepdims=True))
    return scaled


def _matched(one: Singles, other: Singles) -> float:
    """Mean over units of the largest absolute cosine with a unit of the other, the lesser way."""
    if min(len(one), len(other)) < 2:
        return 0.0
    ways = [
        abs(a[spread_indices(len(a), _ROWS)] @ b.T).max(1).mean()
        for a, b in ((one, other), (other, one))
    ]
    return float(min(ways))
