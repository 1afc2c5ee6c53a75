"""What got worse: tensors dropped, drift where there should be none, errors that stand out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from msgspec import Struct, field

from modlint.difference import Regression, Relation
from modlint.engine.diff.match import Match, Matching, is_constant
from modlint.engine.diff.measure import Measured, explained, scaled_error
from modlint.engine.diff.order import misplaced
from modlint.engine.diff.relate import Related, is_layer
from modlint.engine.diff.sides import Logical
from modlint.text import count, number, printable
from modlint.verdict import Severity

_BUFFERS = re.compile(
    r"(^|[._])(num_batches_tracked|position_ids|token_type_ids|inv_freq|masked_bias|attn\.bias"
    r"|cos_cached|sin_cached|causal_mask|relative_position_index|attn_mask)$"
)
"""Tensors that a model computes anew."""
_DIGITS = re.compile(r"\d+")
_OUTLIER = 2.0
"""Times the median error of its siblings."""
_EXPLAINED = 0.6
"""Share of an error that may be left beside the best factors of rows, or of columns."""
_USUAL_ERROR = {8: 0.04, 6: 0.1, 5: 0.13, 4: 0.2, 3: 0.35, 2: 0.6}
"""By bits of a code, the relative error up to which nothing stands out."""
_LARGEST_ERROR = {8: 0.06, 6: 0.12, 5: 0.18, 4: 0.25, 3: 0.45, 2: 0.8}
"""By bits of a code, the relative error past which scales, or their order, are wrong."""
_NAMED = 3
_HELP = {
    "swapped": "map each tensor to its own name, and convert again",
    "drift": "convert again, and look for what rewrote these tensors on the way",
    "resized": "give the converter the shapes that the model has",
    "not-finite": "cast to a type that holds the values (bfloat16 in place of float16)",
    "quantisation-error": "check the order of groups, scales and zero points; quantise again",
    "low-bits": "find out what wrote there (STG003): training would change higher bits too",
    "dropped": "the new checkpoint has this content under no name: convert again",
}
"""By kind of regression, what to do about it."""


class Judgement(Struct):
    """What got worse.

    Attributes:
        measured: the matches, some of them explained.
        regressions: what got worse.
        flagged: names of tensors that did.
        spared: by name of a dropped tensor, why nothing is lost with it.
    """

    measured: list[Measured]
    regressions: list[Regression] = field(default_factory=list)
    flagged: set[str] = field(default_factory=set)
    spared: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, severity: Severity, message: str, names: Iterable[str]) -> None:
        """Add a regression of some tensors."""
        names = tuple(names)
        self.flagged.update(names)
        found = Regression(
            kind=kind, severity=severity, message=message, tensors=names, help=_HELP[kind]
        )
        self.regressions.append(found)


def judge(
    related: Related, matching: Matching, measured: Sequence[Measured], *, lossless: bool = False
) -> Judgement:
    """Judge two checkpoints whose relation is known.

    Args:
        related: the relation.
        matching: what was matched, and what is left.
        measured: the matches.
        lossless: whether the user says that nothing may be lost.
    """
    judged = Judgement(list(measured))
    strict = related.lossless or lossless
    related_at_all = related.relation is not Relation.UNRELATED or lossless
    if related_at_all:
        _swapped(judged)
    if strict:
        _drifted(judged, spare=not lossless)
    if related_at_all:
        _not_finite(judged)
        _quantised(judged)
        _low_bits(judged)
        _dropped(judged, matching, strict=strict)
        _pruned(judged)
    return judged


def _swapped(judged: Judgement) -> None:
    pairs = [m.match for m in judged.measured if m.kind == "swapped"]
    parts = misplaced(judged.measured)
    if parts:
        listed = ", ".join(printable(match.old.name) for match in parts[:_NAMED])
        message = f"{count(len(parts), 'part')} out of order: {listed}{_more(len(parts))}"
        judged.add("swapped", Severity.ERROR, message, _names(parts))
    if pairs:
        told = (f"{printable(m.new.name)} holds {printable(m.old.name)}" for m in pairs[:_NAMED])
        message = f"{count(len(pairs), 'tensor')} exchanged: {', '.join(told)}{_more(len(pairs))}"
        judged.add("swapped", Severity.ERROR, message, _names(pairs))


def _drifted(judged: Judgement, *, spare: bool) -> None:
    """What drifts though nothing should."""
    folded = _folded(judged)
    judged.measured = [
        explained(m) if spare and m.kind == "drifted" and not m.lossless else m
        for m in judged.measured
    ]
    suspects = [
        m
        for m in judged.measured
        if m.kind in ("drifted", "pruned") and (not spare or m.match.old.kind == "float")
    ]
    suspects = [m for m in suspects if m.drift is None or not m.drift.not_finite]
    suspects = [m for m in suspects if not (m.lossless or (spare and _is_folded(m, folded)))]
    if suspects:
        worst = sorted(suspects, key=lambda m: -m.relative)
        told = ", ".join(
            f"{printable(m.match.old.name)} (drift {number(m.relative)})" for m in worst[:_NAMED]
        )
        kept = sum(m.lossless for m in judged.measured)
        message = (
            f"{_verb(len(worst), 'differs', 'differ')} where {kept:,} others are kept: "
            f"{told}{_more(len(worst))}"
        )
        judged.add("drift", Severity.ERROR, message, _names(m.match for m in worst))
    cut = [m for m in judged.measured if m.kind == "resized"]
    if cut:
        told = ", ".join(
            f"{printable(m.match.old.name)} {m.match.old.shape} → {m.match.new.shape}"
            for m in cut[:_NAMED]
        )
        message = f"{count(len(cut), 'tensor')} of another size: {told}{_more(len(cut))}"
        judged.add("resized", Severity.ERROR, message, _names(m.match for m in cut))


def _not_finite(judged: Judgement) -> None:
    broken = [m for m in judged.measured if m.drift is not None and m.drift.not_finite]
    if broken:
        elements = sum(m.drift.not_finite for m in broken if m.drift is not None)
        message = (
            f"{count(elements, 'element')} of {count(len(broken), 'tensor')} no longer finite: "
            f"{printable(broken[0].match.old.name)}{_more(len(broken), 1)}"
        )
        judged.add("not-finite", Severity.ERROR, message, _names(m.match for m in broken))


def _quantised(judged: Judgement) -> None:
    """Errors of codes that stand out among their siblings, and past what their bits explain."""
    coded = [m for m in judged.measured if m.kind == "quantised"]
    siblings: dict[tuple[int, str], list[Measured]] = defaultdict(list)
    for m in coded:
        codes = m.match.new if m.match.new.quantised else m.match.old
        siblings[codes.bits, codes.dtype].append(m)
    moved = any(len(m.match.old.shape) == 1 and not m.lossless for m in judged.measured)
    suspects = [m for (bits, _), group in siblings.items() for m in _outliers(bits, group)]
    suspects = [m for m in suspects if not (moved and _factored(m))]
    if not suspects:
        return
    worst = sorted(suspects, key=lambda m: -m.relative)
    usual = median([m.relative for m in coded])
    told = ", ".join(
        f"{printable(m.match.old.name)} ({number(m.relative)})" for m in worst[:_NAMED]
    )
    message = (
        f"{count(len(worst), 'tensor')} with a dequantised error past what the codes explain "
        f"(median {number(usual)}): {told}{_more(len(worst))}"
    )
    names = _names(m.match for m in worst)
    judged.add("quantisation-error", Severity.ERROR, message, names)


def _outliers(bits: int, group: Sequence[Measured]) -> Iterator[Measured]:
    usual, limit = median([m.relative for m in group]), _LARGEST_ERROR.get(bits, 0.25)
    for m in group:
        stands_out = m.relative > max(_OUTLIER * usual, _USUAL_ERROR.get(bits, 0.2))
        if stands_out or m.relative > limit:
            yield m


def _factored(measured: Measured) -> bool:
    """Whether factors of rows or columns, which a norm takes up, explain most of an error."""
    return scaled_error(measured) <= _EXPLAINED * measured.relative


def _low_bits(judged: Judgement) -> None:
    written = [m for m in judged.measured if m.drift is not None and m.drift.written]
    if written:
        bits = max(m.drift.low_bits.bits for m in written if m.drift and m.drift.low_bits)
        message = (
            f"{_verb(len(written), 'differs', 'differ')} in the low {count(bits, 'bit')} alone: "
            f"{printable(written[0].match.old.name)}{_more(len(written), 1)}"
        )
        judged.add("low-bits", Severity.WARNING, message, _names(m.match for m in written))


def _pruned(judged: Judgement) -> None:
    """A few tensors of which a part became zero while all others stayed."""
    layers = [m for m in judged.measured if is_layer(m.match.old)]
    pruned = [m for m in layers if m.kind == "pruned" and m.match.old.name not in judged.flagged]
    kept = [m for m in layers if m.lossless]
    if pruned and len(pruned) + len(kept) == len(layers) and len(pruned) <= 0.1 * len(layers):
        message = (
            f"{count(len(pruned), 'tensor')} lost elements to zero while all others stayed: "
            f"{printable(pruned[0].match.old.name)}{_more(len(pruned), 1)}"
        )
        judged.add("drift", Severity.ERROR, message, _names(m.match for m in pruned))


def _dropped(judged: Judgement, matching: Matching, *, strict: bool) -> None:
    """Tensors of the old checkpoint that the new one lacks, and should have."""
    folded = _folded(judged)
    surviving = {_DIGITS.sub("*", m.match.old.key) for m in judged.measured}
    lost = []
    for tensor in matching.old:
        reason = _spared(tensor, folded)
        in_stack = _DIGITS.sub("*", tensor.key) in surviving and _DIGITS.search(tensor.key)
        if reason is None and not strict and not in_stack:
            reason = "replaced or unused heads"
        if reason is None:
            lost.append(tensor)
        else:
            judged.spared[tensor.name] = reason
    if lost:
        told = ", ".join(printable(tensor.name) for tensor in lost[:_NAMED])
        message = f"{count(len(lost), 'tensor')} dropped: {told}{_more(len(lost))}"
        judged.add("dropped", Severity.ERROR, message, (t.name for t in lost))


def _folded(judged: Judgement) -> set[int]:
    """Sizes of the norms that rescaled layers may have taken up."""
    return {m.match.old.shape[0] for m in judged.measured if m.kind == "rescaled"}


def _is_folded(measured: Measured, folded: set[int]) -> bool:
    """Whether it is the bias of a layer that took up a norm."""
    shape = measured.match.old.shape
    return len(shape) == 1 and shape[0] in folded


def _spared(tensor: Logical, folded: set[int]) -> str | None:
    """Why nothing is lost with a tensor; None where something is."""
    if tensor.kind != "float" or _BUFFERS.search(tensor.key):
        return "computed anew"
    if len(tensor.shape) == 1 and tensor.shape[0] in folded:
        return "folded into layers before them"
    if is_constant(tensor):
        return "of one number only"
    return None


def _names(matches: Iterable[Match]) -> list[str]:
    return [match.old.name for match in matches]


def _verb(tensors: int, one: str, many: str) -> str:
    return f"{count(tensors, 'tensor')} {one if tensors == 1 else many}"


def _more(total: int, named: int = _NAMED) -> str:
    return f" and {total - named:,} more" if total > named else ""
