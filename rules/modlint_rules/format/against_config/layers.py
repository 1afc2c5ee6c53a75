"""The number of layers against what is stated."""

from __future__ import annotations

from modlint.results.layers import LayerStack
from modlint.text import count
from modlint.verdict import Severity
from modlint_rules.base.stated_layers import StatedStack, stated_stacks
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model

_PREDICTING = ("num_nextn_predict_layers", "num_mtp_modules", "mtp_num_layers", "n_predict")
_OWN_PARTS = 2
"""Tensors of a kind that no other layer has, by which one that predicts further tokens is known."""


def compare_layers(model: Model, comparison: Comparison) -> None:
    """Layers past the stated number are not loaded; FMT015 names those that are missing."""
    predicting = max((number for _, _, number in model.config.sized(*_PREDICTING)), default=0)
    for stated in stated_stacks(model.config, model.stacks):
        held = len(stated.stack.members)
        further = _further(stated.stack, stated.number)
        if held >= stated.number and further <= predicting:
            comparison.agree()
        else:
            comparison.differ(_mismatch(stated, held))


def _further(stack: LayerStack, number: int) -> int:
    """How many layers lie past the stated number and are made like the others."""
    usual = frozenset[str]().union(*(names for n, names in stack.members.items() if n < number))
    past = [names for n, names in stack.members.items() if n >= number]
    return sum(len(names - usual) < _OWN_PARTS for names in past) if usual else len(past)


def _mismatch(stated: StatedStack, held: int) -> Mismatch:

    effect = "those past it are not loaded"
    if held < stated.number:
        effect = "the missing ones are initialised at random"
    return Mismatch(
        f"{stated.stack.name} has {count(held, 'layer')}, and config.json states"
        f" {stated.key} {stated.number:,}: {effect}",
        f"set {stated.key} to the number of layers, or save the model whole",
        Severity.WARNING,
        values={"layers": held, "stated": stated.number},
    )
