"""Truth as compact JSON: pairs of channel and column as runs of equal steps."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from truth.graph import Columns, Edges, Truth

Run = list[int]  # channel, column, count, step of the channel, step of the column


def save(truth: Truth, path: Path) -> None:
    """Write a truth; `allowed` keeps only what is not required."""
    more = {e: c - truth.required.get(e, set()) for e, c in truth.allowed.items()}
    document = {
        "required": _edges(truth.required),
        "more": _edges({e: c for e, c in more.items() if c}),
        "layers": truth.layers,
        "optional": sorted(truth.optional),
        "units": truth.units,
        "aliases": truth.aliases,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(document).encode(), mtime=0))


def load(path: Path) -> Truth:
    """The truth that was saved."""
    document = json.loads(gzip.decompress(path.read_bytes()))
    required, more = _pairs(document["required"]), _pairs(document["more"])
    allowed = {e: required.get(e, set()) | more.get(e, set()) for e in {*required, *more}}
    layers = {name: (int(a), int(b)) for name, (a, b) in document["layers"].items()}
    return Truth(
        required, allowed, layers, set(document["optional"]), document["units"], document["aliases"]
    )


def _edges(edges: Edges) -> list[list[Any]]:
    return [[a, b, runs(columns)] for (a, b), columns in sorted(edges.items())]


def _pairs(document: list[list[Any]]) -> Edges:
    return {(a, b): {p for run in found for p in _spread(run)} for a, b, found in document}


def _spread(run: Run) -> list[tuple[int, int]]:
    channel, column, count, step, stride = run
    return [(channel + i * step, column + i * stride) for i in range(count)]


def runs(columns: Columns) -> list[Run]:
    """Sorted pairs as runs."""
    found: list[Run] = []
    for channel, column in sorted(columns):
        if found and _continues(found[-1], channel, column):
            found[-1][2] += 1
        else:
            found.append([channel, column, 1, 0, 0])
    return found


def _continues(run: Run, channel: int, column: int) -> bool:
    if run[2] == 1:
        run[3:] = [channel - run[0], column - run[1]]
    return [run[0] + run[2] * run[3], run[1] + run[2] * run[4]] == [channel, column]
