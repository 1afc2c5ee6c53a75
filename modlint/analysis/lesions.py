"""What a network loses with the units of a cluster: Hod et al., arXiv 2110.08058, section 3.

A lesion sets what units of one layer give to zero, and counts the samples that are then classified
wrongly. Clusters are compared with random groups of as many units of the same layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace

from modlint.analysis.base import Inputs, NetworkAnalysis
from modlint.errors import UsageError
from modlint.live.batch import Batch
from modlint.network import Network
from modlint.results.chains import PerceptronWeights
from modlint.results.lesions import LesionTest

if TYPE_CHECKING:
    from torch import nn

    from modlint.numerics.lesions.perceptron import Perceptron
    from modlint.numerics.lesions.running import Model

ACTIVATIONS = ("relu", "leakyrelu", "elu", "gelu", "silu", "tanh", "sigmoid", "identity")
"""Of perceptrons that modlint runs itself, by ONNX's name in lower case."""

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


class PlainPerceptron(NetworkAnalysis[PerceptronWeights], frozen=True):
    """The weights of a network that is a multilayer perceptron and nothing else.

    Attributes:
        activation: of the hidden layers, where the file does not tell it.
    """

    activation: str | None = None

    name: ClassVar[str] = "plain-perceptron"
    description: ClassVar[str] = "weights of linear layers one after the other"
    is_large: ClassVar[bool] = True

    def compute(self, network: Network, inputs: Inputs) -> PerceptronWeights:
        """Read them.

        Raises:
            Unavailable: it is something else, or its activation is not known.
        """
        from modlint.numerics.lesions.chain import perceptron_weights

        return perceptron_weights(network.with_activation(self.activation), inputs)


def onnx_model(path: Path, batch: Batch) -> Model:
    """What runs an ONNX file on samples: onnxruntime, on the CPU, without operators of others.

    Raises:
        UsageError: onnxruntime is not installed, or does not take the file.
    """
    if find_spec("onnxruntime") is None:
        raise UsageError(
            "--data runs ONNX files with onnxruntime, which is not installed:"
            ' python -m pip install "modlint[onnxruntime]"'
        )
    from modlint.numerics.lesions.onnx_model import OnnxModel

    return OnnxModel(path, batch.inputs)


def torch_module(module: nn.Module, batch: Batch) -> Model:
    """What runs a module on samples, as it is in memory, in evaluation mode."""
    from modlint.numerics.lesions.torch_module import TorchModule

    return TorchModule(module, batch.inputs)


def model_lesions(
    network: Network,
    model: Model,
    partition: Mapping[str, Sequence[int]],
    batch: Batch,
    **asked: Any,
) -> LesionTest:
    """Lesions of a network that a model runs.

    Args:
        network: its structure.
        model: what runs it.
        partition: by hidden layer, each unit's cluster.
        batch: the samples that the model was given, with their classes.
        **asked: `groups`, `seed` and `progress` of `lesion_test`.

    Raises:
        Unavailable: no layer has units of several clusters that can be silenced.
        UsageError: the model does not take the samples, or tells other classes apart.
    """
    from modlint.numerics.lesions.running import Silencing

    runs = Silencing(network, model, list(partition))
    _require_classes(batch, runs.classes)
    found = lesion_test(
        runs.predict,
        {layer: partition[layer] for layer in runs.layers},
        batch.labels,
        classes=runs.classes,
        activations=runs.activations(),
        **asked,
    )
    return replace(found, left_out=runs.left_out)


def perceptron_lesions(
    weights: PerceptronWeights,
    partition: Mapping[str, Sequence[int]],
    batch: Batch,
    **asked: Any,
) -> LesionTest:
    """Lesions of a multilayer perceptron; its samples may have any shape of as many numbers.

    Args:
        weights: of its layers.
        partition: by hidden layer, each unit's cluster.
        batch: samples with their classes.
        **asked: `groups`, `seed` and `progress` of `lesion_test`.

    Raises:
        Unavailable: no layer has units of several clusters.
        UsageError: the samples do not fit, or name other classes.
    """
    taken, classes = weights.weights[0].shape[1], weights.weights[-1].shape[0]
    samples = batch.inputs.reshape(len(batch.inputs), -1)
    if samples.shape[1] != taken:
        raise UsageError(
            f"`inputs` of the shape {batch.inputs.shape} give {samples.shape[1]} numbers a sample;"
            f" the network takes {taken}"
        )
    if classes < 2:
        raise UsageError("the network has one output: lesions need a score for each class")
    _require_classes(batch, classes)
    network = perceptron(
        weights.weights,
        weights.biases,
        samples,
        activation=weights.activation,
        names=weights.groups,
    )
    return lesion_test(
        network.predict,
        partition,
        batch.labels,
        classes=classes,
        activations=network.activations,
        **asked,
    )


def _require_classes(batch: Batch, classes: int) -> None:
    most = int(batch.labels.max())
    if most >= classes:
        raise UsageError(
            f"`labels` go up to {most}, but the model tells {classes} classes apart,"
            f" 0 to {classes - 1}"
        )
