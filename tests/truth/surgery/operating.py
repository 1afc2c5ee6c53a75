"""Exchange, scale, kill and remove units of an ONNX file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable

import numpy as np

from truth.surgery.file import Arrays, File
from truth.surgery.lines import Axes, Line, elements
from truth.surgery.units import Unit

READ = "column"
Factors = dict[tuple[str, Axes], dict[int, float]]


def exchanged(file: File, units: Iterable[Unit], seed: int = 0) -> tuple[File, int]:
    """Units that stand alike, in another order; the file and the number that moved."""
    alike: dict[Hashable, list[Unit]] = defaultdict(list)
    for unit in units:
        if not unit.fixed and any(key[3] == READ for key in unit.places):
            alike[unit.pattern].append(unit)
    rng = np.random.default_rng(seed)
    moves: dict[tuple[str, Axes], dict[int, int]] = defaultdict(dict)
    moved = 0
    for many in alike.values():
        for i, j in enumerate(rng.permutation(len(many)).tolist()):
            moved += i != j
            for (_, new), (_, old) in zip(many[i].lines(), many[j].lines(), strict=True):
                if moves[new.tensor, new.axes].setdefault(new.start, old.start) != old.start:
                    raise ValueError(f"a line of {new.tensor} would be moved to two places")
    return file.with_arrays(_moved(file.held, moves)), moved


def _moved(held: Arrays, moves: dict[tuple[str, Axes], dict[int, int]]) -> Arrays:
    arrays: Arrays = {}
    for (tensor, axes), starts in moves.items():
        values = arrays.get(tensor, held[tensor])
        flat, along = values.reshape(-1).copy(), elements(axes)
        new, old = (np.fromiter(x, np.int64) for x in (starts.keys(), starts.values()))
        flat[new[:, None] + along] = values.reshape(-1)[old[:, None] + along]
        arrays[tensor] = flat.reshape(values.shape)
    return arrays


def multiplied(file: File, factors: Iterable[tuple[Line, float]]) -> File:
    """The file with lines times a factor each."""
    chosen: Factors = defaultdict(dict)
    for line, factor in factors:
        chosen[line.tensor, line.axes][line.start] = factor
    arrays: Arrays = {}
    for (tensor, axes), lines in chosen.items():
        values = arrays.get(tensor, file.held[tensor])
        flat, along = values.reshape(-1).copy(), elements(axes)
        places = np.fromiter(lines, np.int64)[:, None] + along
        flat[places] *= np.fromiter(lines.values(), flat.dtype)[:, None]
        arrays[tensor] = flat.reshape(values.shape)
    return file.with_arrays(arrays)


def killed(file: File, units: Iterable[Unit]) -> File:
    """Nothing drives these units any more: their rows, biases, scales and shifts are zero."""
    driving = ("row", "bias", "scale", "shift")
    return multiplied(
        file,
        ((line, 0.0) for unit in units for (*_, part), line in unit.lines() if part in driving),
    )


def removed(file: File, units: Iterable[Unit]) -> File:
    """Nothing reads these units any more, and nothing drives them: as if they were taken away."""
    return _without(file, units, {"row", "bias", "scale", "shift", READ})


def _without(file: File, units: Iterable[Unit], parts: Container[str]) -> File:
    lines = (x for unit in units for x in unit.lines())
    return multiplied(file, ((line, 0.0) for key, line in lines if key[3] in parts))
