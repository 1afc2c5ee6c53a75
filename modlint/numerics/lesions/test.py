"""The test: what clusters of a layer's units are worth, against random groups of as many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import numpy as np
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.numerics.graph.channels import Floats, Ints
from modlint.numerics.lesions.statistics import Rank, fisher, right_answers, selectivity
from modlint.numerics.tensor.streams import seed_of
from modlint.results.lesions import Lesion, LesionTest

Predict = Callable[[str, Ints], Ints]
"""Of a layer's name and units that are silenced there, the class of each sample: (samples,)."""

Progress = Callable[[str, int, int], None]


class Part(Struct, frozen=True, eq=False):
    """The units of a layer that one cluster holds.

    Attributes:
        layer: its name.
        number: of the layer, from 0.
        cluster: the cluster's.
        units: theirs.
        pool: the units that random groups are drawn of.
    """

    layer: str
    number: int
    cluster: int
    units: Ints
    pool: Ints

    def random(self, seed: int, number: int) -> Ints:
        """A random group of as many units."""
        stream = seed_of("lesion", seed, self.number, self.cluster, number)
        keys = np.random.Philox(key=stream).random_raw(len(self.pool))
        found: Ints = np.sort(self.pool[np.argsort(keys)[: len(self.units)]])
        return found


def parts_of(partition: Mapping[str, Sequence[int]]) -> list[Part]:
    """The clusters of each layer; none where one cluster holds a whole layer.

    Args:
        partition: by layer, each unit's cluster, −1 of units that are left out.
    """
    found = []
    for number, (layer, labels) in enumerate(partition.items()):
        own = np.asarray(labels)
        present = [cluster for cluster in np.unique(own).tolist() if cluster >= 0]
        if len(present) > 1:
            pool = np.flatnonzero(own >= 0)
            members = ((cluster, np.flatnonzero(own == cluster)) for cluster in present)
            found += [Part(layer, number, cluster, units, pool) for cluster, units in members]
    return found


def lesion_test(
    predict: Predict,
    partition: Mapping[str, Sequence[int]],
    labels: Ints,
    *,
    classes: int,
    groups: int,
    seed: int,
    progress: Progress,
) -> LesionTest:
    """Silence each cluster's units of each layer, and random groups of as many.

    Args:
        predict: runs the network.
        partition: by hidden layer, each unit's cluster, −1 of units that are left out.
        labels: (samples,) the right classes, from 0.
        classes: how many there are.
        groups: random groups for each cluster of each layer.
        seed: names the random streams.
        progress: to be told of lesions.

    Raises:
        Unavailable: no layer has units of several clusters.
    """
    parts = parts_of(partition)
    if not parts:
        raise Unavailable("no hidden layer has units of several clusters")
    judge = _Judge.of(predict, labels, classes, parts[0].layer)
    lesions, ranks = [], []
    for done, part in enumerate(parts):
        progress("silencing", done, len(parts))
        lesion, *both = judge.lesion(part, groups, seed)
        lesions.append(lesion)
        ranks.append(both)
    importance, selective = zip(*ranks, strict=True)
    return LesionTest(
        samples=len(labels),
        classes=classes,
        accuracy=int(judge.intact.sum()) / len(labels),
        class_accuracies=tuple(judge.class_accuracies.tolist()),
        groups=groups,
        seed=seed,
        lesions=tuple(lesions),
        importance_p=fisher([rank.mid_p for rank in importance]),
        selectivity_p=fisher([rank.mid_p for rank in selective]),
    )


class _Judge(Struct, frozen=True, eq=False):
    """What is lost with units, in right answers and by class.

    Attributes:
        predict: runs the network.
        labels: the right classes.
        samples: by class, how many there are.
        intact: by class, how many of them the whole network classifies rightly.
    """

    predict: Predict
    labels: Ints
    samples: Ints
    intact: Ints

    @classmethod
    def of(cls, predict: Predict, labels: Ints, classes: int, layer: str) -> _Judge:
        """Run the intact network: no unit of a layer is silenced."""
        samples = np.bincount(labels, minlength=classes)
        predicted = predict(layer, np.arange(0))
        return cls(predict, labels, samples, right_answers(predicted, labels, classes))

    @property
    def class_accuracies(self) -> Floats:
        """By class, of the whole network: (classes,), NaN of classes without samples."""
        return self._shares(self.intact)

    def lesion(self, part: Part, groups: int, seed: int) -> tuple[Lesion, Rank, Rank]:
        """A cluster beside random groups, and where it lies among them by either measure."""
        change, *null = (
            self._change(part.layer, units)
            for units in (part.units, *(part.random(seed, number) for number in range(groups)))
        )
        lost, *lost_null = (-int(each.sum()) / len(self.labels) for each in (change, *null))
        uneven, *uneven_null = (selectivity(self._shares(each)) for each in (change, *null))
        important, selective = Rank.of(lost, lost_null), Rank.of(uneven, uneven_null)
        lesion = Lesion(
            layer=part.layer,
            cluster=part.cluster,
            units=len(part.units),
            layer_units=len(part.pool),
            importance=lost,
            importance_null=fmean(lost_null),
            importance_p=important.p_value,
            selectivity=uneven,
            selectivity_null=fmean(uneven_null),
            selectivity_p=selective.p_value,
            class_changes=tuple(self._shares(change).tolist()),
        )
        return lesion, important, selective

    def _change(self, layer: str, units: Ints) -> Ints:
        """By class, how many more are classified rightly."""
        predicted = self.predict(layer, units)
        return right_answers(predicted, self.labels, len(self.samples)) - self.intact

    def _shares(self, counts: Ints) -> Floats:
        """By class, of its samples."""
        shares = np.full(len(self.samples), np.nan)
        np.divide(counts, self.samples, out=shares, where=self.samples > 0)
        return shares
