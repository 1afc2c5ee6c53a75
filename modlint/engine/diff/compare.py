"""Two checkpoints that were read, compared: a pure function of both."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modlint.analysis.base import Progress
from modlint.difference import (
    AdaptedModule,
    Difference,
    LoneTensor,
    Regression,
    Relation,
    TensorChange,
)
from modlint.engine.diff.adapter import Config, Factors, adapted, factors_of, judged
from modlint.engine.diff.judge import Judgement, judge
from modlint.engine.diff.match import Match, Matching, by_content, is_constant, match
from modlint.engine.diff.measure import Measured, explained, measure
from modlint.engine.diff.parts import match_parts
from modlint.engine.diff.relate import Related, moved, relate
from modlint.engine.diff.sides import Logical, Side
from modlint.results.drift import Drift
from modlint.text import count

_LOOSE = 0.3
"""Relative drift from which another tensor's content is looked for."""
_FOUND = 0.05
"""Relative drift up to which it is found."""
_FEWEST = 8


class Compared(Struct):
    """What the comparison of the tensors gives."""

    difference: Difference
    renamed: dict[str, str]


def compare(
    old: Side,
    new: Side,
    configs: tuple[Config, Config],
    progress: Progress,
    *,
    lossless: bool = False,
) -> Compared:
    """Compare two checkpoints.

    Args:
        old: the one.
        new: the other.
        configs: of each, what an adapter's configuration beside it says.
        progress: told of each tensor.
        lossless: whether the user says that nothing may be lost.
    """
    factors = factors_of(old.checkpoint), factors_of(new.checkpoint)
    if bool(factors[0]) != bool(factors[1]):
        return _adapter(old, new, factors, configs)
    matching = match(old.tensors, new.tensors)
    match_parts(matching)
    measured = _rematched(matching, _measured(matching.matches, progress))
    if moved(old, new, measured):
        measured = [explained(m) if m.kind == "drifted" else m for m in measured]
    related = relate(old, new, matching, measured)
    judgement = judge(related, matching, measured, lossless=lossless)
    return Compared(
        _difference(old, new, related, matching, judgement),
        {m.match.new.name: m.match.old.name for m in judgement.measured},
    )


def _measured(matches: Sequence[Match], progress: Progress) -> list[Measured]:
    measured = []
    for done, found in enumerate(matches):
        progress("comparing tensors", done, len(matches))
        measured.append(measure(found))
    return measured


def _rematched(matching: Matching, measured: list[Measured]) -> list[Measured]:
    """Tensors under one name that hold another's content are told; transposed ones are found."""
    loose = [m for m in measured if _is_loose(m)]
    if not loose:
        return measured
    olds = [*(m.match.old for m in loose), *matching.old]
    news = [m.match.new for m in loose]
    better: dict[int, Measured] = {}
    names = {id(m.match.new): m for m in loose}
    for found in by_content(olds, news, matching.unread):
        named = names[id(found.new)]
        same = named.match.old is found.old and named.match.axes == found.axes
        if same or is_constant(found.old):
            continue
        again = measure(found)
        nearer = again.relative <= _FOUND and named.relative > _LOOSE
        if again.kind in ("identical", "cast") or nearer:
            if named.match.old is found.old:
                again.match.by = "name"
            else:
                again.kind = "swapped"
                again.note = f"under the name of {named.match.old.name}"
            better[id(found.new)] = again
    exchanged = {id(m.match.old) for m in better.values()}
    kept = [better.get(id(m.match.new), m) for m in measured]
    placed = {id(m.match.old) for m in kept}
    matching.old = [t for t in matching.old if id(t) not in exchanged]
    matching.old += [m.match.old for m in loose if id(m.match.old) not in placed]
    return kept


def _is_loose(measured: Measured) -> bool:
    match = measured.match
    plain = match.by == "name" and match.rows is None and match.old.kind == "float"
    enough = plain and match.old.elements >= _FEWEST
    return enough and measured.kind == "drifted"


def _adapter(
    old: Side,
    new: Side,
    factors: tuple[dict[str, Factors], dict[str, Factors]],
    configs: tuple[Config, Config],
) -> Compared:
    first = bool(factors[0])
    base, found, config = (new, factors[0], configs[0]) if first else (old, factors[1], configs[1])
    modules = adapted(found, base, config)
    stated = sum(module.scale is not None for module in modules)
    notes = () if stated == len(modules) else ("nothing states alpha: the scale is taken as 1",)
    fits = sum(module.problem is None for module in modules)
    difference = Difference(
        old=old.info,
        new=new.info,
        relation=Relation.ADAPTER,
        why=f"{count(fits, 'module')} of {len(modules):,} with a weight in the base",
        adapter=tuple(sorted(modules, key=_by_effect)),
        regressions=tuple(judged(modules)),
        notes=notes,
    )
    return Compared(difference, {})


def _by_effect(module: AdaptedModule) -> tuple[bool, float]:
    return module.problem is None, -(module.effect or 0.0)


def _difference(
    old: Side, new: Side, related: Related, matching: Matching, judgement: Judgement
) -> Difference:
    changes = [_change(m, judgement) for m in judgement.measured]
    notes = []
    state = old.training_state + new.training_state
    if state:
        notes.append(f"{count(state, 'tensor')} of training state not compared")
    if matching.unread:
        name, reason = next(iter(matching.unread.items()))
        notes.append(f"{count(len(matching.unread), 'tensor')} not read ({name}: {reason})")
    return Difference(
        old=old.info,
        new=new.info,
        relation=related.relation,
        why=related.why,
        changes=tuple(changes),
        dropped=tuple(_lone(tensor, judgement) for tensor in matching.old),
        added=tuple(_lone(tensor, None) for tensor in matching.new),
        regressions=tuple(_worst_first(judgement.regressions)),
        notes=tuple(notes),
    )


def _worst_first(regressions: Sequence[Regression]) -> list[Regression]:
    return sorted(regressions, key=lambda regression: -regression.severity.rank)


def _lone(tensor: Logical, judgement: Judgement | None) -> LoneTensor:
    flagged = judgement is not None and tensor.name in judgement.flagged
    note = judgement.spared.get(tensor.name) if judgement is not None else None
    return LoneTensor(
        name=tensor.name, shape=tensor.shape, dtype=tensor.dtype, regression=flagged, note=note
    )


def _change(measured: Measured, judgement: Judgement) -> TensorChange:
    match, drift = measured.match, measured.drift
    old, new = match.old, match.new
    compared = drift is not None
    drift = drift or Drift(elements=0)
    return TensorChange(
        kind=measured.kind,
        old=old.name,
        new=new.name,
        matched_by=match.by,
        layout=_layout(match),
        old_shape=old.shape,
        new_shape=new.shape,
        old_dtype=old.dtype,
        new_dtype=new.dtype,
        elements=drift.elements,
        changed=drift.changed,
        relative=drift.relative if compared else None,
        cosine=drift.cosine if compared else None,
        largest=drift.largest if compared else None,
        largest_at=drift.largest_at,
        low_bits=drift.low_bits.bits if drift.low_bits is not None and drift.written else None,
        regression=old.name in judgement.flagged and not measured.lossless,
        note=measured.note,
    )


def _layout(match: Match) -> str:
    """How the new tensor holds the old one, in words."""
    rows = match.rows
    if rows is not None:
        if rows.scattered:
            return "in another order"
        which = "elements" if len(match.old.shape) == 1 else "rows"
        which = "columns" if rows.whole_across and rows.slice is None else which
        place = f"[{rows.slice}] " if rows.slice is not None else ""
        turned = ", transposed" if rows.whole_across != rows.part_across else ""
        side = "" if rows.whole_is_new else " of the old"
        return f"{place}{which} {rows.start}-{rows.stop - 1}{side}{turned}"
    reshaped = match.old.shape != match.new.shape and not (match.transposed or match.resized)
    if match.axes is None or reshaped:
        return "reshaped"
    if not match.transposed:
        return ""
    if match.axes == (1, 0):
        return "transposed"
    return "axes " + ",".join(map(str, match.axes))
