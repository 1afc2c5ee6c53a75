"""SPC005: some outputs of the last layer are combinations of the others."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modlint.analysis.spectra import LayerRank
from modlint.network import Call, Network
from modlint.results.spectra import most_by_chance
from modlint.rule import Examination, Need, Options
from modlint.targets import of_layer
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.base.some_layers import SomeLayersRule
from modlint_rules.spectra import DEPENDENT_CLASSES

_RANK = LayerRank(centred=True)


class DependentClassesOptions(Options, frozen=True):
    """Options of SPC005."""

    min_classes: Annotated[
        int, Meta(description="outputs that a layer must have to be judged", ge=3)
    ] = 3


class DependentClasses(SomeLayersRule[DependentClassesOptions], reference=DEPENDENT_CLASSES):
    """Outputs that no input can set freely of the others."""

    options_type = DependentClassesOptions
    absent = (
        "no network of the file has an output layer with inputs enough to tell its outputs apart"
    )
    advice = (
        "see how the last layer was made: rows copied for classes that were never trained, a head"
        " of another task, a merge; train it again, or leave the classes out"
    )

    def needs(self) -> tuple[Need, ...]:
        """The rank of the centred rows."""
        return (_RANK,)

    def judge_layer(self, layer: Call, network: Network, file: Examination) -> Verdict | None:
        """A verdict on each output layer whose inputs could tell all of its outputs apart."""
        classes = layer.rows
        if not _is_output(layer, network) or classes < self.options.min_classes:
            return None
        if classes > layer.columns + 1:
            return None
        ranks = file.result(_RANK, layer)
        missing = classes - 1 - ranks.rank
        return self.decided(
            of_layer(layer, network),
            f"rank {ranks.rank:,} of its {classes:,} outputs' rows without their mean, of"
            f" {classes - 1:,} possible"
            + (f": {count(missing, 'output')} can be told from the others" if missing > 0 else ""),
            passes=missing <= most_by_chance(ranks.chance),
            help=self.advice,
            values={"rank": ranks.rank, "classes": classes, "missing": max(0, missing)},
            limit={"rank": {"min": classes - 1}},
            confidence=network.confidence,
        )


def _is_output(layer: Call, network: Network) -> bool:
    """Whether each of its rows is a result of the network, and nothing else reads them."""
    group = network.group(network.value(layer.target).group)
    single = layer.kind == "linear" and layer.groups == 1
    return single and group.role == "output" and layer.rows == group.size
