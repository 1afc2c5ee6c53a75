"""From a file's tensors to the module's: exporters rename, transpose, fold, stack and slice.

Names that the module has too are taken as they are. Others are matched by value: whole tensors, up
to a transposition and a factor per channel (a folded norm), then row by row (stacked, reordered
and sliced matrices).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from truth.graph import Truth
from truth.match import Match, Place
from truth.stored import Arrays

ALIKE = 1 - 1e-6  # cosine of two rows that are one row, up to a factor


def matches(stored: Arrays | None, module: Arrays, truth: Truth) -> dict[str, Match]:
    """For each tensor of the file what it is in the module, where that is found."""
    names = {n: truth.aliases.get(n, n) for n in module}
    if stored is None:
        return {n: Match((name,)) for n, name in names.items()}
    weights = {n: module[n] for n in truth.layers if n in module}
    found = {
        n: Match((names[n],)) for n, a in stored.items() if n in names and a.size == module[n].size
    }
    for name, array in stored.items():
        if name not in found:
            match = _whole(array, weights) or _by_rows(array, weights, truth.units)
            if match is not None:
                found[name] = match
    return found


def _whole(array: np.ndarray, weights: Mapping[str, np.ndarray]) -> Match | None:
    for test in (_equal, _scaled, _centred):
        for name, weight in weights.items():
            if weight.size == array.size and any(test(a, weight) for a in _forms(array, weight)):
                return Match((name,))
    return None


def _forms(array: np.ndarray, weight: np.ndarray) -> Iterator[np.ndarray]:
    squeezed = array.squeeze()
    for form in (array, array.T if array.ndim == 2 else squeezed.T):
        if form.shape == weight.shape or form.squeeze().shape == weight.squeeze().shape:
            yield form.reshape(weight.shape)
    if array.ndim != weight.ndim:
        yield array.reshape(weight.shape)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.allclose(a, b, rtol=1e-5, atol=1e-7))


def _scaled(a: np.ndarray, b: np.ndarray) -> bool:
    return any(_alike(_matrix(a, axis), _matrix(b, axis)) for axis in (0, 1))


def _centred(a: np.ndarray, b: np.ndarray) -> bool:
    a, b = (_matrix(x, 0) for x in (a, b))
    return _alike(a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True))


def _matrix(array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1).astype(np.float64)


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape[1] < 3:
        return False
    return bool((np.abs((_unit(a) * _unit(b)).sum(1)) > ALIKE).all())


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)


def _by_rows(
    array: np.ndarray, weights: Mapping[str, np.ndarray], units: Mapping[str, int]
) -> Match | None:
    """Every row found among the module's: slices of a fused matrix, stacked gates."""
    stacked = array.ndim == 3
    forms = (
        [array.reshape(-1, array.shape[-1])]
        if stacked
        else [array, array.T]
        if array.ndim == 2
        else []
    )
    for form in forms:
        chosen = {n: w for n, w in weights.items() if not stacked or n in units}
        rows = _found(form.astype(np.float64), chosen)
        if rows is not None:
            names = tuple(dict.fromkeys(name for name, _ in rows))
            size = units.get(names[0], 0) if stacked else 0
            gates = len(form) // max(size * len(names), 1)
            return Match(names, None if size else tuple(rows), size, gates)
    return None


def _found(form: np.ndarray, weights: Mapping[str, np.ndarray]) -> list[Place] | None:
    if form.shape[1] < 3:
        return None
    best = np.zeros(len(form))
    places: list[Place] = [("", 0)] * len(form)
    for name, weight in weights.items():
        rows = _matrix(weight, 0)
        if rows.shape[1] != form.shape[1]:
            continue
        cosines = np.abs(_unit(form) @ _unit(rows).T)
        for i in np.flatnonzero(cosines.max(1) > best):
            best[i], places[i] = cosines[i].max(), (name, int(cosines[i].argmax()))
    return places if (best > ALIKE).all() else None
