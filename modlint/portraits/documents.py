"""Clusters for programs: a JSON document, and a CSV table with a row for each neuron."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from modlint.analysis.base import Progress
from modlint.errors import Unavailable
from modlint.json_text import json_text, plain, well_formed
from modlint.portraits.portrait import Choice, NetworkPortrait
from modlint.portraits.shown import shown
from modlint.rule import Examination

if TYPE_CHECKING:
    import pandas

SCHEMA = "modlint-clusters/1"
COLUMNS = ("network", "layer", "unit", "cluster", "stability")


class ClustersDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The clusters of a file's networks.

    Attributes:
        schema: what this document is.
        path: the file, as it was given.
        networks: those that have clusters.
        unavailable: by the id of any other, why it has none.
    """

    schema: str = SCHEMA
    path: str
    networks: tuple[NetworkPortrait, ...]
    unavailable: Mapping[str, str]

    @classmethod
    def of(
        cls, path: str, file: Examination, choice: Choice, progress: Progress
    ) -> ClustersDocument:
        """Cluster every network of a file; of one that is too large its blocks."""
        networks, unavailable = [], {}
        asked = shown(file, choice.max_connections)
        for index, network in enumerate(asked):
            progress("clustering", index, len(asked))
            try:
                networks.append(NetworkPortrait.of(network, file, choice, progress))
            except Unavailable as error:
                unavailable[network.id] = str(error)
        return cls(path=path, networks=tuple(networks), unavailable=unavailable)

    def to_json(self) -> str:
        """Indented JSON; numbers that are not finite are null."""
        return json_text(self)

    def to_csv(self) -> str:
        """A row for each neuron: network, layer, unit, cluster (−1 for none), stability."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(self._rows())
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """The JSON document, as dictionaries and lists."""
        return plain(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each neuron, as the CSV has it.

        Raises:
            ImportError: pandas is not installed.
        """
        from modlint.frames import dataframe

        rows = [dict(zip(COLUMNS, row, strict=True)) for row in self._rows()]
        return dataframe(rows, COLUMNS)

    def _rows(self) -> Iterator[tuple[str, str, int, int, float | None]]:
        for network in self.networks:
            for layer, labels in network.labels.items():
                names = (well_formed(network.id), well_formed(layer))
                found = zip(labels, network.stability[layer], strict=True)
                yield from ((*names, unit, *both) for unit, both in enumerate(found))

    def _repr_html_(self) -> str:
        from modlint.notebook.contents import clusters_html

        return clusters_html(self.to_dict(), [network.summary for network in self.networks])

    def __repr__(self) -> str:
        sizes = [f"{len(n.clusters)} clusters, {n.summary}" for n in self.networks]
        found = "; ".join([*sizes, *self.unavailable.values()])
        return f"<modlint.Clusters of {self.path}: {found}>"


WRITERS = {".json": ClustersDocument.to_json, ".csv": ClustersDocument.to_csv}
"""By the suffix of a file for labels."""
