"""NEU: neurons that do nothing, or too much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """The rules of this family."""
    from modlint_rules.neurons.dead_neurons import DeadNeurons
    from modlint_rules.neurons.negligible_flow import NegligibleFlow

    return (DeadNeurons, NegligibleFlow)
