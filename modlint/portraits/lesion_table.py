"""Lesions for people: what all come to, and each."""

from __future__ import annotations

from collections.abc import Iterator

from rich.padding import Padding
from rich.text import Text

from modlint.portraits.rich_text import line, plain_table
from modlint.portraits.words import lesions
from modlint.results.lesions import Lesion, LesionTest
from modlint.text import printable

NAME = 16
"""Characters of a layer's name that are shown."""


def lesion_lines(test: LesionTest, cells: int) -> Iterator[Text]:
    """What all lesions come to."""
    for name, words in lesions(test):
        yield line(name, words, cells)


def lesion_table(test: LesionTest) -> Padding:
    """Each lesion beside random groups: accuracy lost, selectivity, co-activation."""
    table = plain_table()
    table.add_column("layer", overflow="fold")
    for heading in ("cluster", "units", "cost", "p", "selective", "p", "together"):
        table.add_column(heading, justify="right", no_wrap=True)
    shown = ""
    for lesion in test.lesions:
        if shown and lesion.layer != shown:
            table.add_section()
        lead = Text(printable(lesion.layer, NAME) if lesion.layer != shown else "", "bold")
        table.add_row(lead, *_cells(lesion))
        shown = lesion.layer
    return Padding(table, (0, 0, 0, 2))


def _cells(lesion: Lesion) -> Iterator[Text]:
    yield Text(str(lesion.cluster), "bold")
    yield Text(f"{lesion.units:,}")
    yield _beside(f"{lesion.importance:.1%}", f"{lesion.importance_null:.1%}")
    yield Text(f"{lesion.importance_p:.2g}")
    yield _beside(f"{lesion.selectivity:.1f}", f"{lesion.selectivity_null:.1f}")
    yield Text(f"{lesion.selectivity_p:.2g}")
    yield _beside(*map(_correlation, (lesion.co_activation, lesion.co_activation_outside)))


def _beside(own: str, other: str) -> Text:
    """A value, and in brackets that of random groups, or of units outside."""
    return Text.assemble(own, (f" ({other})", "dim"))


def _correlation(value: float | None) -> str:
    return "·" if value is None else f"{value:.2f}"
