"""TRN005: layer weights that are bit-identical to those of the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Annotated, Any

from msgspec import Meta

from modlint.analysis.base import Analysis, Pair
from modlint.analysis.comparing import TensorDrift
from modlint.analysis.layer_weights import LayerWeights
from modlint.comparison import tensor_pairs
from modlint.errors import Unavailable
from modlint.results.drift import Drift
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import number
from modlint.verdict import Verdict
from modlint_rules.training import UNCHANGED_FROM_REFERENCE

_DRIFT, _WEIGHTS = TensorDrift(), LayerWeights()
_TOLD = 100
"""Layers whose drift stands in the report: those that drift most."""


class UnchangedOptions(Options, frozen=True):
    """Options of TRN005."""

    max_identical: Annotated[
        int, Meta(ge=0, description="layer weights that may be identical to the reference's")
    ] = 0


class UnchangedFromReference(FileRule[UnchangedOptions], reference=UNCHANGED_FROM_REFERENCE):
    """Layers that a training left as they were, and how far the others moved."""

    options_type = UnchangedOptions
    needs_reference = True
    of_tensors = True
    advice = (
        "check requires_grad, the optimiser's parameter groups and that the trained weights were"
        " saved; where these layers are frozen on purpose set max-identical"
    )

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """Which tensors are layer weights, and how each differs from its counterpart."""
        return (_WEIGHTS, _DRIFT)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict, with the drift of each layer."""
        drifts = _drifts(file)
        target = whole_file(file.checkpoint)
        if not drifts:
            message = "no layer weight has a counterpart of its name and shape in the reference"
            yield self.inconclusive(target, message)
            return
        same = [name for name, drift in drifts.items() if drift.identical]
        yield self.decided(
            target,
            _told(drifts, same),
            passes=len(same) <= self.options.max_identical,
            help=self.advice,
            values=_values(drifts, same),
            limit={"identical": {"max": self.options.max_identical}},
        )


def _drifts(file: Examination) -> dict[str, Drift]:
    """By name of each layer weight with a counterpart, how far it drifted."""
    reference = file.reference
    if reference is None:
        raise Unavailable("no checkpoint to compare with: give --baseline-model")
    weights = file.result(_WEIGHTS, file.checkpoint)
    pairs = tensor_pairs(file.checkpoint, reference.checkpoint)
    return {
        new.name: file.result(_DRIFT, Pair(new, old)) for new, old in pairs if new.name in weights
    }


def _told(drifts: Mapping[str, Drift], same: list[str]) -> str:
    total = f"{len(drifts):,} layer weights"
    if len(same) == len(drifts):
        return f"all of {total} are bit-identical to the reference: nothing was trained"
    moved = {name: drift.relative for name, drift in drifts.items() if not drift.identical}
    most = max(moved, key=moved.__getitem__)
    told = f"drift {number(median(moved.values()))}, at most {number(moved[most])} ({most})"
    if not same:
        return f"none of {total} is identical to the reference: {told}"
    return f"{len(same):,} of {total} are bit-identical to the reference; the others: {told}"


def _values(drifts: Mapping[str, Drift], same: list[str]) -> dict[str, object]:
    order = sorted(drifts, key=lambda name: -drifts[name].relative)
    moved = [d.relative for d in drifts.values() if not d.identical and math.isfinite(d.relative)]
    return {
        "layers": len(drifts),
        "identical": len(same),
        "median_drift": median(moved) if moved else 0.0,
        "drift": {name: drifts[name].relative for name in order[:_TOLD]},
        "frozen": same[:_TOLD],
    }
