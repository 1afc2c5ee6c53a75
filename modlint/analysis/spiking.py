"""Layers of spiking neurons, told by the parameters that snnTorch gives them."""

from __future__ import annotations

from typing import ClassVar

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.checkpoint import Checkpoint, Role
from modlint.results.spiking import SpikingLayer

_THRESHOLD = ".threshold"
_MARKS = ("graded_spikes_factor", "reset_mechanism_val")
"""What snnTorch stores beside a threshold, and nobody else does."""


class SpikingLayers(FileAnalysis["tuple[SpikingLayer, ...]"], frozen=True):
    """The layers of snnTorch in the file's order, with what their neurons can reach."""

    name: ClassVar[str] = "spiking-layers"
    description: ClassVar[str] = "thresholds, decays and reach of spiking neurons"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[SpikingLayer, ...]:
        """Read the parameters.

        Raises:
            Unavailable: one is not finite, or cannot be read.
        """
        names = [name for name, t in checkpoint.tensors.items() if t.role is Role.WEIGHT]
        layers = spiking_names(names)
        if not layers:
            return ()
        from modlint.numerics.tensor.spiking import measured

        return measured(layers, names, inputs)


def spiking_names(names: list[str]) -> tuple[str, ...]:
    """The prefixes of layers whose parameters have snnTorch's names."""
    known = set(names)
    prefixes = (name.removesuffix(_THRESHOLD) for name in names if name.endswith(_THRESHOLD))
    return tuple(p for p in prefixes if all(f"{p}.{mark}" in known for mark in _MARKS))
