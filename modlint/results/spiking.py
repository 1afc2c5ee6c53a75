"""What a file says of spiking neurons."""

from __future__ import annotations

from msgspec import Struct


class SpikingLayer(Struct, frozen=True):
    """The parameters of one layer of leaky integrate-and-fire neurons.

    Attributes:
        name: of the layer ("lif1").
        parameters: thresholds and decays that it has.
        thresholds: how many thresholds are not above zero.
        threshold: the least.
        decays: how many decays are below 0 or above 1.
        decay: the one that is farthest outside, or the largest.
        driver: name of the linear layer that spikes of another layer drive it through; None where
            its input is not known to be spikes.
        neurons: how many neurons `driver` drives; 0 without it.
        never: those that stay below their threshold whatever spikes arrive.
    """

    name: str
    parameters: int
    thresholds: int
    threshold: float
    decays: int
    decay: float
    driver: str | None = None
    neurons: int = 0
    never: tuple[int, ...] = ()
