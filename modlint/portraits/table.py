"""Clusters for people: what the partition is worth, each cluster, and each layer's units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modlint.portraits.portrait import ISOLATED, ClusterPortrait, NetworkPortrait
from modlint.portraits.rich_text import drawn, hanging
from modlint.portraits.words import facts, gaps, listed, ncut, ratio, shuffled
from modlint.text import printable, width

NAME, HEADING = 20, 8
"""Characters of a layer's name that are shown, beside its units and above a column."""

BAR = 10
"""Cells of the largest cluster's bar."""

GAP = 2
"""Cells between columns."""


def tables(path: str, networks: Sequence[NetworkPortrait], stream: TextIO) -> str:
    """All that is told of a file's networks, at the width of `stream`."""
    cells = width(stream)
    parts: list[RenderableType] = [_rule(printable(path), cells)]
    for network in networks:
        parts += [*_summary(network, cells), Text()]
        parts += [_cluster_table(network, cells), Text(), _unit_table(network), Text()]
    return drawn(stream, *parts[:-1])


def _rule(title: str, cells: int) -> Text:
    lead = Text(f"{title} ", "bold")
    return Text.assemble(lead, ("─" * max(0, cells - lead.cell_len), "dim"))


def _summary(network: NetworkPortrait, cells: int) -> Iterator[Text]:
    for name, words in (
        (f"network {printable(network.id, NAME)}", facts(network)),
        ("n-cut", ncut(network)),
        ("shuffled", shuffled(network)),
        ("gap", gaps(network.eigenvalues, len(network.clusters))),
    ):
        yield hanging(Text(f"  {name:<9}  ", "bold"), Text(words), cells)


def _table() -> Table:
    return Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, GAP - 1, 0, 0),
        pad_edge=False,
        border_style="dim",
    )


def _cluster_table(network: NetworkPortrait, cells: int) -> Padding:
    """Each cluster with its in/out ratio, and how many neurons of each layer, where that fits."""
    table = _table()
    for heading in ("cluster", "neurons", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("in/out", justify="right", no_wrap=True)
    layers = _layers_that_fit(network, cells)
    for layer in layers:
        table.add_column(Text(printable(layer, HEADING)), justify="right", no_wrap=True)
    largest = max(cluster.neurons for cluster in network.clusters)
    for cluster in network.clusters:
        amounts = (network.labels[layer].count(cluster.cluster) for layer in layers)
        table.add_row(
            *_cluster_cells(cluster, largest),
            *(Text(f"{n:,}") if n else Text("·", "dim") for n in amounts),
        )
    return Padding(table, (0, 0, 0, 2))


def _cluster_cells(cluster: ClusterPortrait, largest: int) -> Iterator[Text]:
    yield Text(str(cluster.cluster), "bold")
    yield Text(f"{cluster.neurons:,}")
    yield Text(f"{cluster.share:.1%}")
    yield Text(_bar(cluster.neurons / largest), "blue")
    yield Text(ratio(cluster.in_out_ratio))


def _bar(share: float) -> str:
    halves = max(1, round(share * 2 * BAR))
    return "━" * (halves // 2) + "╸" * (halves % 2)


def _layers_that_fit(network: NetworkPortrait, cells: int) -> tuple[str, ...]:
    """The layers, or none where their columns are wider than a line."""
    widths = [7, 7, 6, BAR, 6, *(len(printable(layer, HEADING)) for layer in network.labels)]
    return tuple(network.labels) if 2 + sum(widths) + GAP * len(widths) <= cells else ()


def _unit_table(network: NetworkPortrait) -> Padding:
    """For each layer, which of its units are in which cluster."""
    table = _table()
    table.add_column("layer", no_wrap=True)
    for heading in ("cluster", "neurons", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("units", ratio=1)
    for layer, labels in network.labels.items():
        lead = Text(printable(layer, NAME), "bold")
        for cluster in sorted(set(labels), key=lambda c: (c == ISOLATED, c)):
            units = [unit for unit, label in enumerate(labels) if label == cluster]
            named = Text("none", "dim") if cluster == ISOLATED else Text(str(cluster), "bold")
            share = f"{len(units) / len(labels):.1%}"
            table.add_row(lead, named, f"{len(units):,}", share, Text(listed(units)))
            lead = Text()
        table.add_section()
    return Padding(table, (0, 0, 0, 2))
