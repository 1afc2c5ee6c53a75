"""What a network loses with the units of a cluster."""

from __future__ import annotations

from msgspec import Struct


class Lesion(Struct, frozen=True, kw_only=True):
    """What is lost with one cluster's units of one layer, beside random groups of as many.

    Attributes:
        layer: the layer whose units they are.
        cluster: the cluster's number.
        units: how many of them are in it.
        layer_units: units of the layer that are in some cluster: random groups are drawn of them.
        importance: accuracy lost, as a share of all samples; negative where some is gained.
        importance_null: the same of random groups, their mean.
        importance_p: (1 + #{random groups that lose as much})/(N + 1), one-sided.
        selectivity: how unevenly the classes lose: (greatest − least change of a class's accuracy)
            / (mean absolute change of one); 0 where no class changes.
        selectivity_null: the same of random groups, their mean.
        selectivity_p: (1 + #{random groups that are as selective})/(N + 1), one-sided.
        class_changes: by class, the change of its accuracy, negative where it is lost; NaN of
            classes without samples.
        co_activation: mean absolute correlation of activations of two units of the cluster; None
            where there are not two whose activation varies, or activations are not known.
        co_activation_outside: the same of one unit of the cluster and one of the layer's others.
    """

    layer: str
    cluster: int
    units: int
    layer_units: int
    importance: float
    importance_null: float
    importance_p: float
    selectivity: float
    selectivity_null: float
    selectivity_p: float
    class_changes: tuple[float | None, ...]
    co_activation: float | None = None
    co_activation_outside: float | None = None

    @property
    def effect(self) -> float:
        """Accuracy lost beyond that of random groups, as a share of all samples."""
        return self.importance - self.importance_null


class LesionTest(Struct, frozen=True, kw_only=True):
    """Lesions of the clusters of all layers that have several.

    Attributes:
        samples: that were classified.
        classes: number of classes, samples of each or not.
        accuracy: share of the samples that the intact network classifies rightly.
        class_accuracies: by class; NaN of classes without samples.
        groups: random groups for each cluster of each layer, N.
        seed: names the random streams.
        lesions: by layer and cluster.
        left_out: by the name of a layer whose units cannot be silenced, why not.
        importance_p: Fisher's combination of all lesions' importance.
        selectivity_p: Fisher's combination of all lesions' selectivity.
    """

    samples: int
    classes: int
    accuracy: float
    class_accuracies: tuple[float | None, ...]
    groups: int
    seed: int
    lesions: tuple[Lesion, ...]
    importance_p: float
    selectivity_p: float
    left_out: dict[str, str] = {}

    @property
    def effect(self) -> float:
        """Accuracy lost beyond that of random groups, the mean over lesions."""
        return sum(lesion.effect for lesion in self.lesions) / len(self.lesions)
