"""What `modlint diff` shows of two checkpoints, as text: the worst first, what is kept counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from modlint.difference import (
    AdaptedModule,
    Difference,
    DiffSide,
    LoneTensor,
    Regression,
    TensorChange,
)
from modlint.portraits.rich_text import drawn, hanging
from modlint.text import count, file_size, number, printable, width
from modlint.verdict import Severity, Verdict

LISTED = 12
"""Rows of a table; the others are counted."""
_NAMES = 5
_NAME = 44
_KEPT = ("identical", "cast", "rounded")
_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold magenta"}


def concise(difference: Difference) -> str:
    """One line for each regression, and one for the relation."""
    path = printable(difference.new.path)
    lines = [f"{path}: {r.severity} {r.message} [{r.kind}]" for r in _told(difference)]
    lines.append(f"{path}: {difference.relation} ({difference.why}); {_sum(difference)}")
    return "\n".join(lines) + "\n"


def described(difference: Difference, stream: TextIO) -> str:
    """All that is to be told, at the width of `stream`."""
    return drawn(stream, *_parts(difference, width(stream)))


def _parts(difference: Difference, cells: int) -> Iterator[RenderableType]:
    for label, side in (("old", difference.old), ("new", difference.new)):
        yield hanging(Text(f"{label:<10}"), Text(_side(side, cells - 10)), cells)
    relation = Text.assemble((difference.relation, "bold"), f": {difference.why}")
    yield hanging(Text("relation  "), relation, cells)
    for regression in _told(difference):
        lead = Text(f"{regression.severity:<10}", _COLOURS.get(regression.severity, "bold"))
        yield Text()
        yield hanging(lead, Text(printable(regression.message)), cells)
        if regression.help:
            yield hanging(Text(" " * 10), Text(printable(regression.help), "dim"), cells)
    yield from _changed(difference.changes, cells)
    yield from _adapter(difference.adapter)
    yield Text()
    for label, what in _counted(difference):
        yield hanging(Text(f"{label:<10}"), Text(what), cells)


def _told(difference: Difference) -> list[Regression]:
    """Regressions in full; notes are counted, unless they fail."""
    least = Severity.NOTE if difference.exit_code else Severity.WARNING
    worst = any(r.severity.rank >= Severity.WARNING.rank for r in difference.regressions)
    least = Severity.WARNING if worst else least
    return [r for r in difference.regressions if r.severity.rank >= least.rank]


def _side(side: DiffSide, cells: int) -> str:
    """What it is, on a line of its own where it does not fit beside the path."""
    path = f"{printable(side.path)}:"
    size, tensors = file_size(side.bytes), count(side.tensors, "tensor")
    what = f"{side.format}, {size}, {tensors}, {count(side.parameters, 'parameter')}"
    return f"{path}{' ' if len(path) + len(what) < cells else chr(10)}{what}"


def _changed(changes: Sequence[TensorChange], cells: int) -> Iterator[RenderableType]:
    """What changed, the worst first."""
    shown = [change for change in changes if change.kind not in _KEPT]
    shown.sort(key=lambda change: (not change.regression, -(change.relative or 0.0)))
    if not shown:
        return
    table = _table(("changed", "what", "drift", "cosine", "largest"))
    name = max(20, min(_NAME, cells - 44))
    for change in shown[:LISTED]:
        layout = f" ({change.layout})" if change.layout else ""
        table.add_row(
            Text(_names(change, name)),
            Text(f"{change.kind}{layout}"),
            *(Text(_number(value)) for value in (change.relative, change.cosine, change.largest)),
        )
    yield Text()
    yield table
    if len(shown) > LISTED:
        yield Text(f"and {len(shown) - LISTED:,} more", "dim")


def _adapter(modules: Sequence[AdaptedModule]) -> Iterator[RenderableType]:
    if not modules:
        return
    table = _table(("module", "target", "rank", "scale", "effect"))
    for module in modules[:LISTED]:
        target = module.problem or printable(module.target or "", _NAME)
        values = (str(module.rank), _number(module.scale), _number(module.effect))
        table.add_row(Text(printable(module.module, _NAME)), Text(target), *map(Text, values))
    yield Text()
    yield table
    if len(modules) > LISTED:
        yield Text(f"and {len(modules) - LISTED:,} more", "dim")


def _table(headings: Sequence[str]) -> Table:
    table = Table(
        box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False, border_style="dim"
    )
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=place > 1)
    return table


def _names(change: TensorChange, limit: int) -> str:
    old, new = printable(change.old, limit), printable(change.new, limit)
    return old if change.old == change.new else f"{old} → {new}"


def _number(value: float | None) -> str:
    return "–" if value is None else number(value)


def _counted(difference: Difference) -> Iterator[tuple[str, str]]:
    """What is only counted: what is kept, has no counterpart, was found or is not compared."""
    kept = [change for change in difference.changes if change.kind in _KEPT]
    if kept:
        yield "kept", _kept(kept)
    for label, tensors in (("dropped", difference.dropped), ("added", difference.added)):
        if tensors:
            yield label, _lone(tensors)
    for label, verdicts in (("gained", difference.gained), ("lost", difference.lost)):
        if verdicts:
            yield label, _found(verdicts)
    for note in difference.notes:
        yield "note", printable(note)
    yield "result", _sum(difference)


def _kept(kept: Sequence[TensorChange]) -> str:
    kinds = Counter(change.kind for change in kept)
    told = [f"{amount:,} {kind}" for kind, amount in kinds.most_common()]
    layouts = Counter(_layout(change) for change in kept)
    told += [f"{amount:,} {layout}" for layout, amount in layouts.most_common() if layout]
    return ", ".join(told)


def _layout(change: TensorChange) -> str:
    """The layout in a word that many tensors share."""
    part = "row" in change.layout or "column" in change.layout or "element" in change.layout
    if part:
        return "split from one" if "of the old" in change.layout else "joined into one"
    if change.layout.startswith("axes"):
        return "with axes in another order"
    return change.layout or _renamed(change)


def _renamed(change: TensorChange) -> str:
    return "" if change.old == change.new else "renamed"


def _lone(tensors: Sequence[LoneTensor]) -> str:
    untold = [tensor for tensor in tensors if tensor.note is None]
    untold.sort(key=lambda tensor: not tensor.regression)
    told = ", ".join(printable(tensor.name, _NAME) for tensor in untold[:_NAMES])
    told += f" and {len(untold) - _NAMES:,} more" if len(untold) > _NAMES else ""
    notes = Counter(tensor.note for tensor in tensors if tensor.note is not None)
    parts = ([told] if told else []) + [f"{n:,} {note}" for note, n in notes.most_common()]
    return f"{count(len(tensors), 'tensor')}: {'; '.join(parts)}"


def _found(verdicts: Sequence[Verdict]) -> str:
    codes = Counter(f"{verdict.rule} {verdict.name}" for verdict in verdicts)
    told = ", ".join(f"{what} ({amount:,})" for what, amount in codes.most_common(_NAMES))
    return f"{count(len(verdicts), 'finding')}: {told}"


def _sum(difference: Difference) -> str:
    total = Counter(regression.severity for regression in difference.regressions)
    told = ", ".join(f"{count(n, s)}" for s, n in sorted(total.items(), key=lambda i: -i[0].rank))
    return f"{told or 'no regression'}; exit code {difference.exit_code}"
