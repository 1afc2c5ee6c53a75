"""Layers as boxes, one below the other, repeated blocks folded into one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from modlint.drawings import DrawnLayer, DrawnNetwork, DrawnTensor
from modlint.folded import Run, folded
from modlint.text import printable
from modlint.verdict import Severity

BOX_WIDTH, BOX_HEIGHT = 190, 46
_GAP, _BELOW, _FRAME, _MARGIN = 14, 24, 10, 40
_ABREAST = 3
"""Boxes side by side."""
_NAME = 23
"""Characters of a name that fit in a box; how it ends says most."""
MOST_ROWS = 150
_SKIPS = 2
"""Edges from further up into one box; of more, as of a residual stream, none is drawn."""


class Box(Struct, frozen=True):
    """A layer."""

    x: float
    y: float
    name: str
    title: str
    detail: str
    kind: str
    severity: str


class Frame(Struct, frozen=True):
    """A block that is there `times` times."""

    x: float
    y: float
    width: float
    height: float
    times: int


class Drawing(Struct, frozen=True):
    """A network, or the layers of a file; `left_out` counts those that are not drawn."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    edges: tuple[str, ...]
    left_out: int


def alike(networks: Sequence[DrawnNetwork]) -> list[list[DrawnNetwork]]:
    """The networks, those that have the same layers together."""
    groups: dict[object, list[DrawnNetwork]] = {}
    for network in networks:
        groups.setdefault(tuple(map(signature, network.layers)), []).append(network)
    return list(groups.values())


def as_layers(tensors: Sequence[DrawnTensor]) -> list[DrawnLayer]:
    """Layers of which nothing but the weights is known."""
    return [
        DrawnLayer(
            name=tensor.name.removesuffix(".weight"),
            kind="weight",
            shape=tensor.shape,
            source="",
            target="",
            weight=tensor.name,
        )
        for tensor in tensors
    ]


def drawing_of(layers: Sequence[DrawnLayer], found: Mapping[str, Severity]) -> Drawing:
    """Lay layers out.

    Args:
        layers: in order.
        found: by the name of a layer or tensor, the worst that was found of it.
    """
    parts = [(part, list(_rows(part.items))) for part in folded(layers, signature)]
    widest = max((len(row) for _, rows in parts for row in rows), default=0)
    layout = _Layout(found, _shared([layer.name for layer in layers]), _wide(widest))
    drawn = 0
    for part, rows in parts:
        if layout.rows >= MOST_ROWS:
            break
        layout.add(part, rows)
        drawn += len(part.items) * (1 + len(part.copies))
    return layout.drawing(len(layers) - drawn)


def _shared(names: Sequence[str]) -> int:
    """How many characters all names begin with, up to a dot."""
    if len(names) < 2:
        return 0
    one, other = min(names), max(names)
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one.rfind(".", 0, same) + 1


def signature(layer: DrawnLayer) -> tuple[object, ...]:
    """What layers have in common that differ in the numbers of their names alone."""
    name = re.sub(r"\d+", "#", layer.name)
    return name, layer.kind, layer.shape, layer.activation, layer.norms


class _Layout:
    """Collects boxes from the top down."""

    def __init__(self, found: Mapping[str, Severity], shared: int, width: float) -> None:
        self.found = found
        self.shared = shared
        self.width = width
        self.boxes: list[Box] = []
        self.frames: list[Frame] = []
        self.edges: list[str] = []
        self.drivers: dict[str, list[Box]] = {}
        self.y, self.rows = float(_FRAME), 0

    def add(self, part: Run[DrawnLayer], rows: Sequence[Sequence[DrawnLayer]]) -> None:
        """Add a part below what is there."""
        self.y += 2 * _FRAME if part.copies else 0
        top = self.y
        for row in rows:
            self._row(row)
        for copy in part.copies:
            for layer, box in zip(copy, self.boxes[-len(copy) :], strict=True):
                self._drives(layer, box)
        if part.copies:
            width = _wide(max(map(len, rows))) + 2 * _FRAME
            height = self.y - _BELOW - top + 2 * _FRAME
            times = 1 + len(part.copies)
            self.frames.append(Frame(self._left(width), top - _FRAME, width, height, times))
            self.y += _FRAME

    def drawing(self, left_out: int) -> Drawing:
        """What was added."""
        boxes, frames = tuple(self.boxes), tuple(self.frames)
        return Drawing(self.width + 2 * _MARGIN, self.y, boxes, frames, tuple(self.edges), left_out)

    def _row(self, row: Sequence[DrawnLayer]) -> None:
        placed = []
        for column, layer in enumerate(row):
            x = self._left(_wide(len(row))) + column * (BOX_WIDTH + _GAP)
            box = self._box(layer, x)
            self.edges += self._edges(layer, box)
            placed.append((layer, box))
        for layer, box in placed:
            self.boxes.append(box)
            self._drives(layer, box)
        self.y += BOX_HEIGHT + _BELOW
        self.rows += 1

    def _left(self, width: float) -> float:
        """Where something of a width begins, to stand in the middle."""
        return _MARGIN + (self.width - width) / 2

    def _box(self, layer: DrawnLayer, x: float) -> Box:
        ranks = [self.found[name] for name in (layer.name, layer.weight) if name in self.found]
        worst = max(ranks, key=lambda severity: severity.rank, default="")
        sizes = " × ".join(f"{size:,}" for size in layer.shape)
        detail = f"{layer.kind} {sizes}"
        beside = ", ".join(filter(None, (*layer.norms, layer.activation)))
        title = f"{printable(layer.name, 300)}: {detail}" + (f", {beside}" if beside else "")
        name = printable(layer.name[self.shared :])
        name = name if len(name) <= _NAME else f"…{name[1 - _NAME :]}"
        return Box(x, self.y, name, title, detail[: _NAME + 4], layer.kind, str(worst))

    def _drives(self, layer: DrawnLayer, box: Box) -> None:
        self.drivers.setdefault(layer.name, []).append(box)

    def _edges(self, layer: DrawnLayer, box: Box) -> Iterator[str]:
        drivers = (driver for name in layer.inputs for driver in self.drivers.get(name, ()))
        above = [driver for driver in drivers if driver.y < box.y]
        above = list({(driver.x, driver.y): driver for driver in above}.values())
        nearest = max((driver.y for driver in above), default=0.0)
        further = [driver for driver in above if driver.y < nearest]
        for driver in above:
            if driver.y == nearest or len(further) <= _SKIPS:
                yield _curve(driver, box)


def _wide(boxes: int) -> float:
    """The width of boxes side by side."""
    return max(boxes * (BOX_WIDTH + _GAP) - _GAP, 0)


def _curve(upper: Box, lower: Box) -> str:
    """An edge: straight down to the next row, past the side where others lie between."""
    x, y = upper.x + BOX_WIDTH / 2, upper.y + BOX_HEIGHT
    if lower.y - y <= _BELOW + 3 * _FRAME:
        return f"M{x:g} {y:g}L{lower.x + BOX_WIDTH / 2:g} {lower.y:g}"
    left = upper.y + BOX_HEIGHT / 2, lower.y + BOX_HEIGHT / 2
    return f"M{upper.x:g} {left[0]:g}C4 {left[0]:g} 4 {left[1]:g} {lower.x:g} {left[1]:g}"


def _rows(layers: Sequence[DrawnLayer]) -> Iterator[list[DrawnLayer]]:
    """Layers that stand side by side: they read the same, or lie in one module."""
    row: list[DrawnLayer] = []
    for layer in layers:
        if row and (len(row) == _ABREAST or not _beside(row[-1], layer)):
            yield row
            row = []
        row.append(layer)
    if row:
        yield row


def _beside(one: DrawnLayer, other: DrawnLayer) -> bool:
    if one.source or other.source:
        return one.source == other.source and one.name not in other.inputs
    parent = one.name.rpartition(".")[0]
    return bool(parent) and parent == other.name.rpartition(".")[0]
