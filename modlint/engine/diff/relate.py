"""What one checkpoint is to the other, told by how their layers differ."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from modlint.difference import Relation
from modlint.engine.diff.match import Matching, is_constant
from modlint.engine.diff.measure import Measured
from modlint.engine.diff.sides import Logical, Side
from modlint.text import count

ALIKE = 0.3
"""Median cosine of layers from which one checkpoint was trained from the other."""
CONVERTED, CAST = 0.5, 0.8
"""Share of layers without loss from which what drifts is a fault: of a conversion, where names or
layouts changed too, and of a cast, which a fine-tuned copy may be as well."""
_SHARED = 0.05
"""Share of the smaller checkpoint's elements that have a counterpart in one that is related."""
_LAYER = 64
"""Elements of a matrix that says something of the relation."""


class Related(Struct, frozen=True):
    """The relation.

    Attributes:
        relation: its name.
        why: what tells it.
        lossless: whether all of the old checkpoint should be in the new one.
    """

    relation: Relation
    why: str
    lossless: bool


class _Facts(Struct, frozen=True):
    """What the relation is told by.

    Attributes:
        measured: the matches.
        layers: those of layer weights.
        kept: those of them without loss.
        lost: layer weights of the old checkpoint without a counterpart.
        shared: share of the smaller side's elements that have one.
        moved: whether names or layouts changed, or a model became a graph.
        related: whether a layer that is more than one number was kept.
    """

    measured: Sequence[Measured]
    layers: Sequence[Measured]
    kept: Sequence[Measured]
    lost: int
    shared: float
    moved: bool
    related: bool

    @property
    def told(self) -> str:
        """How much was kept, in words."""
        return f"{len(self.kept):,} of {count(len(self.layers), 'layer weight')} without loss"


def relate(old: Side, new: Side, matching: Matching, measured: Sequence[Measured]) -> Related:
    """Tell the relation of two checkpoints."""
    layers = _layers(measured)
    kept = [m for m in layers if m.lossless]
    facts = _Facts(
        measured,
        layers,
        kept,
        lost=sum(is_layer(tensor) for tensor in matching.old),
        shared=_shared(matching, measured),
        moved=moved(old, new, measured),
        related=any(not is_constant(m.match.old) for m in kept),
    )
    for told in (_same(facts), _apart(facts), _quantised(facts), _kept(facts), _equal(facts)):
        if told is not None:
            return told
    return _trained(facts)


def _same(facts: _Facts) -> Related | None:
    """Every tensor of both is the same, under its own name."""
    same = all(m.kind == "identical" for m in facts.measured)
    if not facts.measured or not same or facts.moved or facts.lost:
        return None
    why = f"{count(len(facts.measured), 'tensor')} the same"
    return Related(Relation.IDENTICAL, why, lossless=True)


def _apart(facts: _Facts) -> Related | None:
    """Too little of one is in the other to say more."""
    if not facts.layers or facts.shared < _SHARED:
        return Related(Relation.UNRELATED, "hardly any tensor has a counterpart", lossless=False)
    return None


def _quantised(facts: _Facts) -> Related | None:
    """One holds codes of the other's values."""
    coded = [m for m in facts.layers if m.kind == "quantised"]
    if not coded or not (facts.related or _cosine(coded) >= ALIKE):
        return None
    direction = "dequantised" if coded[0].match.old.quantised else "quantised"
    why = f"{count(len(coded), 'layer weight')} {direction}, {facts.told}"
    others = len(facts.layers) - len(coded)
    lossless = len(facts.kept) >= CONVERTED * others
    return Related(Relation.QUANTISED, why, lossless=lossless)


def _kept(facts: _Facts) -> Related | None:
    """What the old one holds is in the new one, in another form."""
    if facts.moved and len(facts.kept) >= CONVERTED * (len(facts.layers) + facts.lost):
        why = f"other names or layouts, {facts.told}"
        return Related(Relation.CONVERTED, why, lossless=True)
    if _recast(facts.measured) and len(facts.kept) >= CAST * len(facts.layers):
        return Related(Relation.CAST, f"other element types, {facts.told}", lossless=True)
    if facts.moved and facts.lost > len(facts.layers):
        why = "most layer weights have no counterpart"
        return Related(Relation.UNRELATED, why, lossless=False)
    return None


def _equal(facts: _Facts) -> Related | None:
    """What both hold is the same, though some is exchanged or gone."""
    if all(m.kind in ("identical", "swapped") for m in facts.measured):
        exchanged = sum(m.kind == "swapped" for m in facts.measured)
        why = f"{count(len(facts.measured), 'tensor')} the same"
        why += f", {exchanged:,} of them exchanged" if exchanged else ""
        return Related(Relation.IDENTICAL, why, lossless=True)
    if len(facts.kept) == len(facts.layers):
        return Related(Relation.CAST, facts.told, lossless=True)
    return None


def _trained(facts: _Facts) -> Related:
    """The values drift: from one another, or they never had anything in common."""
    cosine = _cosine(facts.layers)
    why = f"{facts.told}, median cosine {cosine:.3g}"
    tuned = facts.related or cosine >= ALIKE
    return Related(Relation.FINE_TUNED if tuned else Relation.UNRELATED, why, lossless=False)


def _layers(measured: Sequence[Measured]) -> list[Measured]:
    """The matches that say something of the relation; all where none is large enough."""
    compared = [m for m in measured if m.kind != "not-compared"]
    large = [m for m in compared if is_layer(m.match.old)]
    return large or [m for m in compared if m.match.old.kind == "float"] or compared


def is_layer(tensor: Logical) -> bool:
    """Whether it is a matrix of some size."""
    return tensor.kind == "float" and len(tensor.shape) >= 2 and tensor.elements >= _LAYER


def _shared(matching: Matching, measured: Sequence[Measured]) -> float:
    """Share of the smaller side's elements that have a counterpart."""
    matched = {id(t): t.elements for m in measured for t in (m.match.old, m.match.new)}
    common = sum(matched.values()) / 2
    left = min(sum(t.elements for t in side) for side in (matching.old, matching.new))
    return common / (common + left) if common else 0.0


def _cosine(measured: Sequence[Measured]) -> float:
    return median([m.drift.cosine if m.drift is not None else 1.0 for m in measured])


def moved(old: Side, new: Side, measured: Sequence[Measured]) -> bool:
    """Whether names or layouts changed, or a model became a graph."""
    graphs = {side.checkpoint.format == "onnx" for side in (old, new)}
    apart = [m for m in measured if m.kind != "swapped"]
    moved = [m for m in apart if m.match.by == "content" or m.match.transposed]
    renamed = [m for m in apart if m.match.old.key != m.match.new.key]
    return len(graphs) == 2 or bool(moved) or len(renamed) > len(measured) / 2


def _recast(measured: Sequence[Measured]) -> bool:
    other = [m for m in measured if m.match.old.dtype != m.match.new.dtype]
    return len(other) > len(measured) / 2 or any(m.kind == "rounded" for m in measured)
