"""What one checkpoint is to the other, told by how their layers differ."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from modlint.difference import Relation
from modlint.engine.diff.match import Matching
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


def relate(old: Side, new: Side, matching: Matching, measured: Sequence[Measured]) -> Related:
    """Tell the relation of two checkpoints."""
    layers = _layers(measured)
    if not layers or _shared(matching, measured) < _SHARED:
        return Related(Relation.UNRELATED, "hardly any tensor has a counterpart", lossless=False)
    kept = [m for m in layers if m.lossless]
    share = len(kept) / len(layers)
    told = f"{len(kept):,} of {count(len(layers), 'layer weight')} without loss"
    coded = [m for m in layers if m.kind == "quantised"]
    if coded and (kept or _cosine(coded) >= ALIKE):
        direction = "dequantised" if coded[0].match.old.quantised else "quantised"
        why = f"{count(len(coded), 'layer weight')} {direction}, {told}"
        rest = [m for m in layers if m not in coded]
        lossless = not rest or len([m for m in rest if m.lossless]) >= CONVERTED * len(rest)
        return Related(Relation.QUANTISED, why, lossless=lossless)
    if moved(old, new, measured) and share >= CONVERTED:
        return Related(Relation.CONVERTED, f"other names or layouts, {told}", lossless=True)
    if _recast(measured) and share >= CAST:
        return Related(Relation.CAST, f"other element types, {told}", lossless=True)
    exchanged = sum(m.kind == "swapped" for m in measured)
    if all(m.kind in ("identical", "swapped") for m in measured):
        why = f"{count(len(measured), 'tensor')} the same"
        why += f", {exchanged:,} of them exchanged" if exchanged else ""
        return Related(Relation.IDENTICAL, why, lossless=True)
    if share == 1:
        return Related(Relation.CAST, told, lossless=True)
    cosine = _cosine(layers)
    why = f"{told}, median cosine {cosine:.3g}"
    related = Relation.FINE_TUNED if kept or cosine >= ALIKE else Relation.UNRELATED
    return Related(related, why, lossless=False)


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
