"""Clusters for programs: a JSON document, and a CSV table with a row for each neuron."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import msgspec

from modlint.json_text import json_text, well_formed
from modlint.portraits.portrait import NetworkPortrait

SCHEMA = "modlint-clusters/1"
COLUMNS = ("network", "layer", "unit", "cluster")


class ClustersDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The clusters of a file's networks; `unavailable` says by id why some have none."""

    schema: str = SCHEMA
    path: str
    networks: tuple[NetworkPortrait, ...]
    unavailable: Mapping[str, str]

    def to_json(self) -> str:
        """Indented JSON; numbers that are not finite are null."""
        return json_text(self)

    def to_csv(self) -> str:
        """A row for each neuron: network, layer, unit (from 0), cluster (−1 where isolated)."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for network in self.networks:
            for layer, labels in network.labels.items():
                names = (well_formed(network.id), well_formed(layer))
                writer.writerows((*names, unit, cluster) for unit, cluster in enumerate(labels))
        return text.getvalue()


WRITERS = {".json": ClustersDocument.to_json, ".csv": ClustersDocument.to_csv}
"""By the suffix of a file for labels."""
