"""What `modlint diff` finds between two checkpoints: the JSON document `modlint-diff/1`."""

from __future__ import annotations

import enum
from typing import Any, Literal

import msgspec

from modlint.json_text import json_text, plain
from modlint.verdict import Severity, Verdict

SCHEMA = "modlint-diff/1"


class Relation(enum.StrEnum):
    """What one checkpoint is to the other."""

    IDENTICAL = "identical"
    CAST = "cast"
    QUANTISED = "quantised"
    CONVERTED = "converted"
    FINE_TUNED = "fine-tuned"
    ADAPTER = "adapter"
    UNRELATED = "unrelated"


ChangeKind = Literal[
    "identical",
    "cast",
    "rounded",
    "quantised",
    "rescaled",
    "reordered",
    "pruned",
    "resized",
    "drifted",
    "swapped",
    "not-compared",
]
"""How a tensor's values changed; `TensorChange` says what each is."""


class TensorChange(msgspec.Struct, frozen=True, kw_only=True):
    """A tensor, or a part of one, beside its counterpart.

    Attributes:
        kind: identical (the same bits), cast (what a change of type explains), rounded (the same
            type, fewer bits in use, or within rounding), quantised (through codes), rescaled (each
            row or column times a factor), reordered (the same rows in another order), pruned (only
            zeros are new), resized (the common part is compared), drifted, swapped (the content of
            another tensor), not-compared (`note` says why).
        old: its name in the old checkpoint.
        new: its name in the new one.
        matched_by: "name", or "content" where names say nothing.
        layout: how the new one holds it: "transposed", "reshaped", "axes 2,3,1,0", "rows 0-127".
        old_shape, new_shape: sizes.
        old_dtype, new_dtype: element types; of codes the scheme too.
        elements, changed: number of elements, and how many differ.
        relative: ‖new − old‖ / ‖old‖, null where the old one is zero.
        cosine: of the angle between both.
        largest: the largest |new − old|, at the row-major index `largest_at`.
        low_bits: differences stay within so many low bits; null else.
        regression: whether it counts as a regression.
        note: what is to be said of it beside.
    """

    kind: ChangeKind
    old: str
    new: str
    matched_by: Literal["name", "content"] = "name"
    layout: str = ""
    old_shape: tuple[int, ...] = ()
    new_shape: tuple[int, ...] = ()
    old_dtype: str = ""
    new_dtype: str = ""
    elements: int = 0
    changed: int = 0
    relative: float | None = None
    cosine: float | None = None
    largest: float | None = None
    largest_at: int | None = None
    low_bits: int | None = None
    regression: bool = False
    note: str | None = None


class LoneTensor(msgspec.Struct, frozen=True, kw_only=True):
    """A tensor of one side without a counterpart.

    Attributes:
        name: its name.
        shape, dtype: what it is.
        regression: whether its absence counts as a regression.
        note: why it does not, where that is known.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    regression: bool = False
    note: str | None = None


class AdaptedModule(msgspec.Struct, frozen=True, kw_only=True):
    """A module of a low-rank adapter beside the weight that it adapts.

    Attributes:
        module: its name in the adapter.
        target: the weight's name in the base, null where it has none.
        rank: rows of A.
        scale: what B A is multiplied by; null where nothing states it, and 1 is taken.
        effect: ‖B A‖ · scale / ‖W‖; null where it cannot be computed.
        problem: what does not fit; null where all does.
    """

    module: str
    target: str | None
    rank: int
    scale: float | None
    effect: float | None
    problem: str | None = None


class Regression(msgspec.Struct, frozen=True, kw_only=True):
    """Something that got worse.

    Attributes:
        kind: "dropped", "drift", "swapped", "quantisation-error", "not-finite", "low-bits",
            "reordered", "resized", "adapter", "finding".
        severity: how much it weighs; `--fail-on` says what fails.
        message: one sentence.
        tensors: the tensors, by their old names.
        help: what to do about it.
    """

    kind: str
    severity: Severity
    message: str
    tensors: tuple[str, ...] = ()
    help: str = ""


class DiffSide(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two checkpoints."""

    path: str
    format: str
    tensors: int
    parameters: int
    bytes: int


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two checkpoints side by side.

    Attributes:
        old, new: the two.
        relation: what the new one is to the old.
        why: what tells it, in one sentence.
        changes: of the tensors that have a counterpart, in the new file's order.
        dropped: tensors of the old one without a counterpart.
        added: tensors of the new one without one.
        adapter: by module, where one of the two is an adapter.
        regressions: what got worse, the worst first.
        gained: findings of the rules that the old one does not have.
        lost: findings that the new one no longer has.
        notes: what was not compared, and why.
        problems: internal errors.
        exit_code: 0, or 1 where a regression weighs as much as `fail_on` names.
    """

    schema: str = SCHEMA
    old: DiffSide
    new: DiffSide
    relation: Relation
    why: str
    changes: tuple[TensorChange, ...] = ()
    dropped: tuple[LoneTensor, ...] = ()
    added: tuple[LoneTensor, ...] = ()
    adapter: tuple[AdaptedModule, ...] = ()
    regressions: tuple[Regression, ...] = ()
    gained: tuple[Verdict, ...] = ()
    lost: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    exit_code: int = 0

    @property
    def ok(self) -> bool:
        """Whether the command line would end in exit code 0."""
        return self.exit_code == 0

    def to_json(self) -> str:
        """The document as indented JSON."""
        return json_text(self)

    def to_dict(self) -> dict[str, Any]:
        """The document as dictionaries and lists."""
        return plain(self)

    def _repr_html_(self) -> str:
        from modlint.notebook.difference import difference_html

        return difference_html(self.to_dict())

    def __repr__(self) -> str:
        found = len(self.regressions)
        return f"<modlint.Difference: {self.relation}, {found} regressions>"
