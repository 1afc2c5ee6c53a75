"""The units that modlint calls dead, as units of surgery."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.errors import Unavailable
from modlint.network import RELU_LIKE, ZERO_AT_ZERO
from modlint_rules.neurons.dead_units import dead_units
from truth.surgery.file import File
from truth.surgery.units import Neuron, Unit


def dead(file: File, units: Sequence[Unit]) -> list[Unit]:
    """Those of which modlint calls every neuron dead, and of which zero is what they give.

    None where it says nothing of a network: a weight is computed in a way that is not followed.
    """
    found: set[Neuron] = set()
    for number, network in enumerate(file.networks):
        try:
            layers = file.units_of(network)
        except Unavailable:
            continue
        for layer in layers:
            silent = {*layer.silent}
            if layer.join == "product" or layer.activation in ZERO_AT_ZERO | RELU_LIKE:
                silent |= {*dead_units(layer).indices}
            found |= {(number, layer.group, unit) for unit in silent}
    return [unit for unit in units if unit.neurons and found.issuperset(unit.neurons)]
