"""What a network loses with the units of a cluster: Hod et al., arXiv 2110.08058, section 3.

A lesion sets what units of one layer give to zero, and counts the samples that are then classified
wrongly. Clusters are compared with random groups of as many units of the same layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from modlint.results.lesions import LesionTest

if TYPE_CHECKING:
    from modlint.numerics.lesions.perceptron import Perceptron

GROUPS = 50
"""Random groups for each cluster of each layer."""


def lesion_test(
    predict: Callable[[str, Any], Any],
    partition: Mapping[str, Sequence[int]],
    labels: Any,
    *,
    classes: int | None = None,
    activations: Mapping[str, Any] | None = None,
    groups: int = GROUPS,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
) -> LesionTest:
    """Importance and selectivity of each cluster of each layer.

    Args:
        predict: of the name of a layer and the units that are silenced there (an array of integers,
            empty for the intact network), the class that each sample is taken for: (samples,).
        partition: by hidden layer, each unit's cluster, −1 of units that are left out. Layers of
            which one cluster holds all units are not looked at.
        labels: (samples,) the right classes, from 0.
        classes: how many there are; by default as many as the labels name.
        activations: by layer, what its units give for each sample, (samples, units), for
            co-activation; layers may be missing.
        groups: random groups for each cluster of each layer.
        seed: names the random streams.
        progress: is told of lesions.

    Raises:
        Unavailable: no layer has units of several clusters.
    """
    import numpy as np

    from modlint.numerics.lesions.co_activation import co_activations
    from modlint.numerics.lesions.test import lesion_test as tested

    right = np.asarray(labels, np.int64)
    found = tested(
        predict,
        partition,
        right,
        classes=classes or int(right.max()) + 1,
        groups=groups,
        seed=seed,
        progress=progress,
    )
    known = activations or {}
    layers = {lesion.layer for lesion in found.lesions} & set(known)
    both = {name: co_activations(np.asarray(known[name]), partition[name]) for name in layers}
    return replace(
        found,
        lesions=tuple(
            replace(
                lesion,
                co_activation=both[lesion.layer][lesion.cluster][0],
                co_activation_outside=both[lesion.layer][lesion.cluster][1],
            )
            if lesion.layer in both
            else lesion
            for lesion in found.lesions
        ),
    )


def perceptron(
    weights: Sequence[Any],
    biases: Sequence[Any],
    inputs: Any,
    *,
    activation: str = "relu",
    names: Sequence[str] | None = None,
) -> Perceptron:
    """A multilayer perceptron whose `predict` and `activations` a lesion test can use.

    Args:
        weights: (out, in) of each layer, the output's last.
        biases: (out,) of each layer, or None.
        inputs: (samples, in of the first layer).
        activation: of the hidden layers, by ONNX's name in lower case.
        names: of the hidden layers; by default "1", "2" and on.

    Raises:
        ValueError: numbers of layers or shapes do not agree, or the activation is not known.
    """
    import numpy as np

    from modlint.numerics.lesions.perceptron import ACTIVATIONS, Perceptron

    if activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"the activation {activation!r} is not one of {known}")
    return Perceptron(
        names or [str(number) for number in range(1, len(weights))],
        [np.asarray(weight, np.float32) for weight in weights],
        [None if bias is None else np.asarray(bias, np.float32) for bias in biases],
        activation,
        np.asarray(inputs, np.float32),
    )
