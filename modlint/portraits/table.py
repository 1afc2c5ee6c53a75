"""Clusters for people: what the partition is worth, each cluster, and each layer's units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from modlint.portraits.lesion_table import lesion_lines, lesion_table
from modlint.portraits.portrait import (
    ISOLATED,
    ClusterPortrait,
    LayerPortrait,
    NetworkPortrait,
)
from modlint.portraits.rich_text import drawn, line, plain_table
from modlint.portraits.words import (
    ends,
    facts,
    gaps,
    listed,
    modules,
    ncut,
    ratio,
    seeds,
    shuffled,
    stable,
)
from modlint.text import printable, width

NAME = 16
"""Characters of a layer's name that are shown."""

ROWS, SPARE_ROWS = 8, 2
"""Clusters of a layer that are shown, the largest; few more than these are too."""

BAR = 10
"""Cells of the largest cluster's bar."""


def tables(path: str, networks: Sequence[NetworkPortrait], stream: TextIO) -> str:
    """All that is told of a file's networks, at the width of `stream`."""
    cells = width(stream)
    parts: list[RenderableType] = [_rule(printable(path), cells)]
    for network in networks:
        parts += [*_summary(network, cells), Text()]
        parts += [_cluster_table(network), Text(), _unit_table(network), Text()]
        if network.lesions is not None:
            parts += [*lesion_lines(network.lesions, cells), Text()]
            parts += [lesion_table(network.lesions), Text()]
    return drawn(stream, *parts[:-1])


def _rule(title: str, cells: int) -> Text:
    lead = Text(f"{title} ", "bold")
    return Text.assemble(lead, ("─" * max(0, cells - lead.cell_len), "dim"))


def _summary(network: NetworkPortrait, cells: int) -> Iterator[Text]:
    for name, words in (
        (f"network {printable(network.id, NAME)}", facts(network)),
        ("modules", modules(network)),
        ("shuffled", shuffled(network)),
        ("n-cut", ncut(network)),
        ("seeds", seeds(network)),
        ("gap", gaps(network.eigenvalues, len(network.clusters))),
    ):
        yield line(name, words, cells)


def _cluster_table(network: NetworkPortrait) -> Padding:
    """Each cluster with its in/out ratio, how stable it is, and the ends that it is known by."""
    table = plain_table()
    for heading in ("cluster", "neurons", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in ("in/out", "stable"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("inputs", "outputs"):
        table.add_column(heading)
    largest = max(cluster.neurons for cluster in network.clusters)
    for cluster in network.clusters:
        table.add_row(*_cluster_cells(cluster, largest))
    return Padding(table, (0, 0, 0, 2))


def _cluster_cells(cluster: ClusterPortrait, largest: int) -> Iterator[Text]:
    yield Text(str(cluster.cluster), "bold")
    yield Text(f"{cluster.neurons:,}")
    yield Text(f"{cluster.share:.1%}")
    yield Text(_bar(cluster.neurons / largest), "blue")
    yield Text(ratio(cluster.in_out_ratio))
    yield Text(stable(cluster.stability))
    yield Text(ends(cluster.inputs))
    yield Text(ends(cluster.outputs))


def _bar(share: float) -> str:
    halves = max(1, round(share * 2 * BAR))
    return "━" * (halves // 2) + "╸" * (halves % 2)


def _unit_table(network: NetworkPortrait) -> Padding:
    """For each layer, which of its units are in which cluster; of many clusters the largest."""
    table = plain_table()
    table.add_column("layer", no_wrap=True)
    for heading in ("cluster", "neurons", "share", "in/out", "stable"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("units", ratio=1)
    for layer, labels in network.labels.items():
        lead = Text(printable(layer, NAME), "bold")
        rows, folded = kept([part for part in network.layers if part.layer == layer])
        for part in rows:
            table.add_row(lead, *_layer_cells(part, labels))
            lead = Text()
        if folded:
            neurons = sum(part.neurons for part in folded)
            more = Text(f"and {len(folded)} clusters more", "dim")
            table.add_row(Text(), Text("…", "dim"), *_amounts(neurons, labels), "", "", more)
        table.add_section()
    return Padding(table, (0, 0, 0, 2))


def kept(
    parts: Sequence[LayerPortrait],
) -> tuple[Sequence[LayerPortrait], Sequence[LayerPortrait]]:
    """The rows of a layer that are shown, in order, and those of small clusters, which are not."""
    inside = [part for part in parts if part.cluster != ISOLATED]
    if len(inside) <= ROWS + SPARE_ROWS:
        return parts, ()
    small = sorted(inside, key=lambda part: -part.neurons)[ROWS:]
    return [part for part in parts if part not in small], small


def _layer_cells(part: LayerPortrait, labels: Sequence[int]) -> Iterator[Text]:
    inside = part.cluster != ISOLATED
    yield Text(str(part.cluster), "bold") if inside else Text("none", "dim")
    yield from _amounts(part.neurons, labels)
    yield Text(ratio(part.in_out_ratio))
    yield Text(stable(part.stability))
    yield Text(listed([unit for unit, label in enumerate(labels) if label == part.cluster]))


def _amounts(neurons: int, labels: Sequence[int]) -> Iterator[Text]:
    yield Text(f"{neurons:,}")
    yield Text(f"{neurons / len(labels):.1%}")
