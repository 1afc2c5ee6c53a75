"""Which tensor of the new checkpoint stands for which of the old one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct, field

from modlint.analysis.base import Array
from modlint.analysis.matching import constant, directions, distances, layouts, sample
from modlint.engine.diff.sides import Logical
from modlint.errors import Unavailable, UnreadableError

MOST_ALIKE = 2_000
"""Tensors of one size that are compared with one another."""
_SAME, _SAME_CONTENT = 0.02, 0.5
"""Squared relative distance, and correlation, of samples of one content."""
_VECTOR = 256
"""Fewer elements tell content by distance alone."""
_PREFIXES = 3
_FEWEST = 4
"""Elements of a row that has a direction of its own."""


class Rows(Struct, frozen=True):
    """Where a part lies in a whole.

    Attributes:
        start, stop: rows of the whole, or elements of a vector.
        whole_is_new: whether the new tensor is the whole.
        whole_across, part_across: whether the matrix is read transposed.
        slice: index of the first axis of a whole of three; None of matrices.
        scattered: whether the elements lie in another order.
    """

    start: int
    stop: int
    whole_is_new: bool
    whole_across: bool = False
    part_across: bool = False
    slice: int | None = None
    scattered: bool = False


class Match(Struct, eq=False):
    """A tensor, or a part of it, beside its counterpart.

    Attributes:
        old, new: the two.
        by: what tells that they belong together.
        axes: the order in which the old one's axes are those of the new; None where it is read in
            row-major order in another shape.
        rows: where one is a part of the other.
        resized: whether only what both shapes hold is compared.
    """

    old: Logical
    new: Logical
    by: Literal["name", "content"] = "name"
    axes: tuple[int, ...] | None = None
    rows: Rows | None = None
    resized: bool = False

    @property
    def transposed(self) -> bool:
        """Whether the axes stand in another order."""
        return self.axes is not None and self.axes != tuple(range(len(self.old.shape)))


class Matching(Struct):
    """What was matched, and what is left on each side."""

    matches: list[Match] = field(default_factory=list)
    old: list[Logical] = field(default_factory=list)
    new: list[Logical] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)

    def take(self, matches: Iterable[Match]) -> None:
        """Add matches; the tensors are left no more."""
        matches = list(matches)
        self.matches += matches
        gone = {id(side) for match in matches for side in (match.old, match.new)}
        self.old = [tensor for tensor in self.old if id(tensor) not in gone]
        self.new = [tensor for tensor in self.new if id(tensor) not in gone]


def match(old: Sequence[Logical], new: Sequence[Logical]) -> Matching:
    """Match by name, then by content."""
    matching = Matching(old=list(old), new=list(new))
    matching.take(_by_name(matching.old, matching.new))
    for _ in range(_PREFIXES):
        matching.take(_by_suffix(matching.old, matching.new))
    matching.take(by_content(matching.old, matching.new, matching.unread))
    matching.take(_by_direction(matching.old, matching.new))
    return matching


def _by_name(olds: Sequence[Logical], news: Sequence[Logical]) -> list[Match]:
    known = {tensor.key: tensor for tensor in olds}
    pairs = ((known[new.key], new) for new in news if new.key in known)
    return [found for old, new in pairs if (found := _named(old, new)) is not None]


def _named(old: Logical, new: Logical) -> Match | None:
    """Two tensors of one name, where their shapes have something in common."""
    if old.shape == new.shape:
        return Match(old, new, axes=tuple(range(len(old.shape))))
    if old.elements == new.elements:
        return _nearest(old, new)
    comparable = len(old.shape) == len(new.shape) > 0 and old.elements and new.elements
    if comparable and old.kind == new.kind:
        return Match(old, new, axes=tuple(range(len(old.shape))), resized=True)
    return None


def _nearest(old: Logical, new: Logical) -> Match:
    """The reading of the old tensor that is nearest to the new one."""
    orders = list(layouts(old.shape, new.shape))
    if len(orders) > 1:
        try:
            values = old.array()
            taken = sample(new.array(), tuple(range(len(new.shape))))
            gaps, _ = distances([sample(values, axes) for axes in orders], [taken])
            return Match(old, new, axes=orders[int(gaps[:, 0].argmin())])
        except (Unavailable, UnreadableError):
            pass
    return Match(old, new, axes=orders[0] if orders else None)


def _by_suffix(olds: Sequence[Logical], news: Sequence[Logical]) -> list[Match]:
    """Tensors whose names differ by what wraps the model on one side ("module.")."""
    known = {tensor.key: tensor for tensor in olds}, {tensor.key: tensor for tensor in news}
    prefixes: dict[tuple[int, str], list[tuple[Logical, Logical]]] = defaultdict(list)
    for side, tensors in ((0, news), (1, olds)):
        for tensor in tensors:
            words = tensor.key.split(".")
            for length in range(1, min(len(words), 8)):
                other = known[side].get(".".join(words[length:]))
                if other is not None and other.elements == tensor.elements:
                    prefix = ".".join(words[:length])
                    pair = (other, tensor) if side == 0 else (tensor, other)
                    prefixes[side, prefix].append(pair)
    if not prefixes:
        return []
    pairs = max(prefixes.values(), key=len)
    return [found for old, new in _once(pairs) if (found := _named(old, new)) is not None]


def _once(pairs: Iterable[tuple[Logical, Logical]]) -> Iterable[tuple[Logical, Logical]]:
    seen: set[int] = set()
    for old, new in pairs:
        if id(old) not in seen and id(new) not in seen:
            seen |= {id(old), id(new)}
            yield old, new


def by_content(
    olds: Sequence[Logical], news: Sequence[Logical], unread: dict[str, str]
) -> list[Match]:
    """Tensors of one size that hold the same content, whatever they are called.

    Args:
        olds: of the old checkpoint.
        news: of the new one.
        unread: where it is noted why a tensor could not be read.
    """
    groups: dict[int, tuple[list[Logical], list[Logical]]] = defaultdict(lambda: ([], []))
    for side, tensors in ((0, olds), (1, news)):
        for tensor in tensors:
            if tensor.kind == "float" and tensor.elements:
                groups[tensor.elements][side].append(tensor)
    found: list[Match] = []
    for elements, (before, after) in groups.items():
        if before and after:
            found += _alike(before[:MOST_ALIKE], after[:MOST_ALIKE], elements, unread)
    return found


def _alike(
    olds: Sequence[Logical], news: Sequence[Logical], elements: int, unread: dict[str, str]
) -> list[Match]:
    """The best pairs of tensors of one size, each tensor once."""
    taken = [(new, s) for new in news if (s := _sampled(new, unread)) is not None]
    ways = [(old, axes, s) for old in olds for axes, s in _ways(old, news, unread)]
    if not taken or not ways:
        return []
    gaps, alike = distances([s for *_, s in ways], [s for _, s in taken])
    fits = gaps <= _SAME
    if elements >= _VECTOR:
        fits |= alike >= _SAME_CONTENT
    pairs = sorted(
        (float(gaps[i, j]), -float(alike[i, j]), int(i), int(j))
        for i, j in zip(*fits.nonzero(), strict=True)
    )
    found, used = [], set[int]()
    for _, _, i, j in pairs:
        (old, axes, _), (new, _) = ways[i], taken[j]
        if axes not in tuple(layouts(old.shape, new.shape)):
            continue
        if id(old) not in used and id(new) not in used:
            used |= {id(old), id(new)}
            found.append(Match(old, new, by="content", axes=axes))
    return found


def _sampled(tensor: Logical, unread: dict[str, str]) -> Array | None:
    try:
        return sample(tensor.array(), tuple(range(len(tensor.shape))))
    except (Unavailable, UnreadableError) as error:
        unread[tensor.name] = str(error)
        return None


def _ways(
    old: Logical, news: Sequence[Logical], unread: dict[str, str]
) -> list[tuple[tuple[int, ...] | None, Array]]:
    """Samples of a tensor in each order of its axes that fits one of the others."""
    shapes = Counter(new.shape for new in news)
    orders = dict.fromkeys(axes for shape in shapes for axes in layouts(old.shape, shape))
    try:
        values = old.array()
        return [(axes, sample(values, axes)) for axes in orders]
    except (Unavailable, UnreadableError) as error:
        unread[old.name] = str(error)
        return []


def _by_direction(olds: Sequence[Logical], news: Sequence[Logical]) -> list[Match]:
    """Tensors of one shape whose rows differ by factors alone: a norm was folded into them."""
    groups: dict[tuple[int, ...], tuple[list[Logical], list[Logical]]]
    groups = defaultdict(lambda: ([], []))
    for side, tensors in ((0, olds), (1, news)):
        for tensor in tensors:
            rows = len(tensor.shape) > 1 and tensor.elements >= _FEWEST * tensor.shape[0]
            if tensor.kind == "float" and rows and tensor.shape[0] > 1:
                groups[tensor.shape][side].append(tensor)
    found: list[Match] = []
    for before, after in groups.values():
        if before and after:
            found += _aligned(before[:MOST_ALIKE], after[:MOST_ALIKE])
    return found


def _aligned(olds: Sequence[Logical], news: Sequence[Logical]) -> list[Match]:
    """The pairs whose rows point the same way, each tensor once."""
    try:
        before = [directions(tensor.array()) for tensor in olds]
        after = [directions(tensor.array()) for tensor in news]
    except (Unavailable, UnreadableError):
        return []
    gaps, _ = distances(before, after)
    found, used = [], set[int]()
    for i, j in sorted(zip(*(gaps < _SAME).nonzero(), strict=True), key=lambda at: gaps[at]):
        old, new = olds[i], news[j]
        if id(old) not in used and id(new) not in used and not is_constant(old):
            used |= {id(old), id(new)}
            found.append(Match(old, new, by="content", axes=tuple(range(len(old.shape)))))
    return found


def is_constant(tensor: Logical) -> bool:
    """Whether all elements are one number, or there is none: nothing is lost with it."""
    try:
        return bool(constant(tensor.array()))
    except (Unavailable, UnreadableError):
        return False
