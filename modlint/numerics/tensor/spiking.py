"""What leaky integrate-and-fire neurons can reach.

A neuron's membrane is m ← β m + I − reset and spikes above its threshold θ. Of inputs that are
spikes, 0 or g, the current is at most I = Σ max(g w, 0) + b; from m = 0 the membrane then stays at
or below max(I, 0) / (1 − β).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modlint.errors import Unavailable
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import indices, on_numpy, wide
from modlint.results.spiking import SpikingLayer

Floats = NDArray[np.float64]

_MOST = 1 << 24
"""Elements of parameters and weights that are looked at."""
_LEAKY = frozenset({"threshold", "graded_spikes_factor", "reset_mechanism_val", "beta"})
"""Parameters of the neuron whose reach is known; others have further ones."""


def measured(
    layers: Sequence[str], names: Sequence[str], inputs: Inputs
) -> tuple[SpikingLayer, ...]:
    """Each layer, in order.

    Args:
        layers: prefixes of their parameters.
        names: of all tensors, in the file's order.
        inputs: where the values are.

    Raises:
        Unavailable: a parameter is not finite, or cannot be read.
    """
    return tuple(_layer(i, layers, names, inputs) for i in range(len(layers)))


def _layer(place: int, layers: Sequence[str], names: Sequence[str], inputs: Inputs) -> SpikingLayer:
    name = layers[place]
    thresholds = _values(f"{name}.threshold", inputs)
    present = [f"{name}.{decay}" for decay in ("beta", "alpha") if f"{name}.{decay}" in names]
    decays = np.concatenate([np.zeros(0), *(_values(decay, inputs) for decay in present)])
    outside = (decays < 0) | (decays > 1)
    worst = decays[np.argmax(abs(decays - 0.5))] if len(decays) else 0.0
    driver = _driver(place, layers, names)
    never = _never(name, layers[place - 1], driver, names, inputs) if driver is not None else None
    return SpikingLayer(
        name=name,
        parameters=len(thresholds) + len(decays),
        thresholds=int((thresholds <= 0).sum()),
        threshold=float(thresholds.min()),
        decays=int(outside.sum()),
        decay=float(worst),
        driver=driver if never is not None else None,
        neurons=0 if never is None else len(never),
        never=() if never is None else indices(never),
    )


def _driver(place: int, layers: Sequence[str], names: Sequence[str]) -> str | None:
    """The one layer with weights between two layers of neurons in the file's order."""
    if not place:
        return None
    own, before = f"{layers[place]}.", f"{layers[place - 1]}."
    own_names = {name for name in names if name.startswith(own)}
    if {name.removeprefix(own) for name in own_names} != _LEAKY:
        return None
    first = min(i for i, name in enumerate(names) if name.startswith(own))
    last = max(i for i, name in enumerate(names) if name.startswith(before))
    between = names[last + 1 : first]
    prefixes = {name.rpartition(".")[0] for name in between}
    ends = [name.rpartition(".")[2] for name in between]
    is_one = len(prefixes) == 1 and ends in (["weight"], ["weight", "bias"])
    return prefixes.pop() if is_one else None


def _never(
    name: str, before: str, driver: str, names: Sequence[str], inputs: Inputs
) -> NDArray[np.bool_] | None:
    """Which neurons never spike; None where the driver is not linear or sizes do not match."""
    weight = inputs.weight(f"{driver}.weight")
    if len(weight.shape) != 2 or weight.shape[0] * weight.shape[1] > _MOST:
        return None
    spikes = _values(f"{before}.graded_spikes_factor", inputs)
    threshold, decay = (_values(f"{name}.{part}", inputs) for part in ("threshold", "beta"))
    rows = int(weight.shape[0])
    if len(spikes) != 1 or {len(threshold), len(decay)} - {1, rows}:
        return None
    current = np.maximum(spikes[0] * _flat(weight).reshape(rows, -1), 0).sum(1)
    if f"{driver}.bias" in names:
        current = current + _values(f"{driver}.bias", inputs)
    leak = 1 - np.clip(decay, 0, 1)
    with np.errstate(all="ignore"):
        reach = np.where(current > 0, current / leak, 0.0)
    found: NDArray[np.bool_] = reach < threshold
    return found


def _values(name: str, inputs: Inputs) -> Floats:
    """A parameter, flat.

    Raises:
        Unavailable: it is not finite, empty or large.
    """
    stored = inputs.weight(name)
    values = _flat(stored)
    if not 0 < len(values) <= _MOST or not np.isfinite(values).all():
        raise Unavailable(f"tensor {name!r} is empty, or holds NaN or infinity")
    return values


def _flat(stored: Array) -> Floats:
    values = wide(stored.reshape(-1))
    host: Floats = values if on_numpy(values) else values.cpu().numpy()
    return host
