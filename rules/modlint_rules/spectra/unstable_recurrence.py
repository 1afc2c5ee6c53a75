"""SPC007: a recurrent layer without gates multiplies its state by more than it can hold."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modlint.analysis.spectra import StateRadius
from modlint.network import Call, Network
from modlint.rule import Examination, Need, Options
from modlint.targets import of_layer
from modlint.verdict import Verdict
from modlint_rules.base.some_layers import SomeLayersRule
from modlint_rules.spectra import UNSTABLE_RECURRENCE

_RADIUS = StateRadius()


class UnstableRecurrenceOptions(Options, frozen=True):
    """Options of SPC007."""

    max_radius: Annotated[
        float,
        Meta(description="spectral radius that a layer without gates may have", gt=0),
    ] = 2.5


class UnstableRecurrence(SomeLayersRule[UnstableRecurrenceOptions], reference=UNSTABLE_RECURRENCE):
    """States that saturate, or grow without bound."""

    options_type = UnstableRecurrenceOptions
    absent = "no network of the file has a recurrent layer"
    advice = (
        "clip gradients, initialise the recurrent weight as an orthogonal matrix, decay it, or use"
        " a layer with gates; see whether the loss was finite when this was saved"
    )

    def needs(self) -> tuple[Need, ...]:
        """The spectral radii."""
        return (_RADIUS,)

    def judge_layer(self, layer: Call, network: Network, file: Examination) -> Verdict | None:
        """A verdict on each recurrent layer; of one with gates its radii alone."""
        found = file.result(_RADIUS, layer)
        if found is None:
            return None
        target, largest = of_layer(layer, network), max(found.radii)
        values = {"radius": largest, "units": found.size, "gates": len(found.radii)}
        if len(found.radii) > 1:
            radii = ", ".join(f"{radius:.2f}" for radius in found.radii)
            message = f"spectral radii {radii} of its gates, which bound the state"
            return self.passed(target, message, values=values, confidence=network.confidence)
        return self.decided(
            target,
            f"spectral radius {largest:.2f} of its {found.size:,} × {found.size:,} recurrent weight"
            " without gates: each step stretches some states by that much",
            passes=largest <= self.options.max_radius,
            help=self.advice,
            values=values,
            limit={"radius": {"max": self.options.max_radius}},
            confidence=network.confidence,
        )
