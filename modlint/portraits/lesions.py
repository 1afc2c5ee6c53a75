"""What is lost with the clusters of a network, on samples that the user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from modlint.analysis.base import Progress
from modlint.analysis.lesions import (
    GROUPS,
    PlainPerceptron,
    model_lesions,
    onnx_model,
    perceptron_lesions,
    torch_module,
)
from modlint.live.batch import Batch
from modlint.network import Network
from modlint.results.lesions import LesionTest
from modlint.rule import Examination


class LesionChoice(Struct, frozen=True, eq=False):
    """What the user asks for.

    Attributes:
        batch: samples with their classes.
        groups: random groups for each cluster of each layer.
        activation: of hidden layers, where the file does not tell it.
        module: what runs the network, where it is in memory.
    """

    batch: Batch
    groups: int = GROUPS
    activation: str | None = None
    module: Any = None


def lesions_of(
    network: Network,
    file: Examination,
    labels: Mapping[str, Sequence[int]],
    choice: LesionChoice,
    seed: int,
    progress: Progress,
) -> LesionTest:
    """Silence the units of each cluster in each hidden layer.

    Args:
        network: whose they are.
        file: that it is in.
        labels: by layer, each unit's cluster.
        choice: what is asked for.
        seed: names the random groups.
        progress: to be told of lesions.

    Raises:
        Unavailable: the network cannot be run, or no layer has units of several clusters.
        UsageError: it does not take the samples, or what runs it is not installed.
    """
    hidden = {group.name for group in network.groups if group.role == "hidden"}
    partition = {layer: own for layer, own in labels.items() if layer in hidden}
    asked: dict[str, Any] = {"groups": choice.groups, "seed": seed, "progress": progress}
    if choice.module is not None:
        model = torch_module(choice.module, choice.batch)
    elif file.checkpoint.format == "onnx":
        model = onnx_model(file.checkpoint.path, choice.batch)
    else:
        weights = file.result(PlainPerceptron(choice.activation), network)
        return perceptron_lesions(weights, partition, choice.batch, **asked)
    return model_lesions(network, model, partition, choice.batch, **asked)
