"""k-means with many restarts as one batch: greedy k-means++, then Lloyd's iterations.

Follows scikit-learn's `KMeans` (greedy k-means++ of Arthur & Vassilvitskii 2007, tolerance relative
to the mean variance, empty clusters moved to the farthest points), restart by restart.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.library import (
    beside,
    cast,
    device_of,
    library,
    on_host,
    on_numpy,
)
from modlint.numerics.tensor.seeds import Stream

TOLERANCE = 1e-4
"""A restart ends when the squared shift of its centres falls to this share of the variance."""

ITERATIONS = 300
"""A restart ends after so many iterations."""

BATCH, DEVICE_BATCH = 1 << 20, 1 << 27
"""Distances held at a time, over the restarts of a batch: of numpy's as many as repay its calls, on
a GPU as many as keep it busy."""

RANGE = 1e6
"""Largest squared distance from the median, in median ones, of points that float32 tells apart."""


def cluster(points: Array, k: int, restarts: int, random: Stream) -> Array:
    """Labels of the restart with the least inertia: (n,) int64 where the points are.

    The restarts run in float32 where the points allow it; their inertia and the labels of the best
    are taken in float64.

    Args:
        points: (n, d) float64, n ≥ k.
        k: number of clusters; fewer come out only where fewer points are distinct.
        restarts: number of restarts.
        random: the restarts' draws depend on nothing else.
    """
    xp = library(points)
    points = points - xp.mean(points, axis=0)
    narrow = cast(points, xp.float32) if _fits_float32(points) else points
    first = beside(random.below(len(points), restarts), points)
    draws = random.uniform(k - 1, restarts, 2 + int(math.log(k)))
    draws = cast(beside(draws, points), narrow.dtype)
    size = max(1, (BATCH if on_numpy(points) else DEVICE_BATCH) // (k * len(points)))
    centres = [
        _lloyd(narrow, _plus_plus(narrow, first[at : at + size], draws[:, at : at + size]))
        for at in range(0, restarts, size)
    ]
    lifted, found = _lifted(points), [cast(some, points.dtype) for some in centres]
    nearest = [xp.sum(xp.max(_scores(lifted, some), axis=1), axis=1) for some in found]
    best = xp.concat(found)[int(xp.argmax(xp.concat(nearest)))]
    return xp.argmax(_scores(lifted, best[None])[0], axis=0)


def _fits_float32(points: Array) -> bool:
    whole = on_host(points)
    squares = np.square(whole - np.median(whole, 0)).sum(1)
    return bool(squares.max() <= RANGE * np.median(squares))


def _plus_plus(points: Array, first: Array, draws: Array) -> Array:
    """Greedy k-means++: each next centre is the best of several drawn by squared distance.

    Args:
        points: (n, d).
        first: (r,) index of each restart's first centre.
        draws: (k − 1, r, trials) uniform in [0, 1).

    Returns:
        (r, k, d) centres.
    """
    xp = library(points)
    squares = xp.sum(points * points, axis=1)
    chosen, each = [first], xp.arange(len(first), device=device_of(points))
    closest = _distances(points, squares, first)  # (r, n)
    for draw in draws:
        picks = _drawn(closest, draw)
        candidates = xp.minimum(_distances(points, squares, picks), closest[:, None])
        best = xp.argmin(xp.sum(candidates, axis=2), axis=1)
        closest = candidates[each, best]
        chosen.append(picks[each, best])
    return points[xp.stack(chosen, axis=1)]


def _drawn(closest: Array, draw: Array) -> Array:
    """Points drawn by their weights, (r, n): (r, trials) indices."""
    xp = library(closest)
    reached = xp.cumulative_sum(closest, axis=1)
    goals = draw * reached[:, -1:]
    picks = xp.stack([xp.searchsorted(own, goal) for own, goal in zip(reached, goals, strict=True)])
    return xp.clip(picks, None, closest.shape[1] - 1)


def _distances(points: Array, squares: Array, picks: Array) -> Array:
    """Squared distances from picked points to all: (*picks, n)."""
    products = points[picks] @ points.T
    products *= -2
    products += squares
    products += squares[picks][..., None]
    return library(points).clip(products, 0, None)


def _lloyd(points: Array, centres: Array) -> Array:
    """Iterate every restart to its end: centres (r, k, d)."""
    xp, lifted = library(points), _lifted(points)
    tolerance = TOLERANCE * float(xp.mean(xp.var(points, axis=0)))
    final = centres + 0
    active = xp.arange(len(centres), device=device_of(points))
    for _ in range(ITERATIONS):
        moved = _update(lifted, centres)
        steps = moved - centres
        going = xp.sum(steps * steps, axis=(1, 2)) > tolerance
        final[active] = moved
        active, centres = active[going], moved[going]
        if not len(active):
            break
    return final


def _lifted(points: Array) -> Array:
    """Points by column and a row of ones, so that a product gives sums and counts: (d + 1, n).

    They lie as points do, one after the other, which the products with memberships read best.
    """
    xp = library(points)
    return xp.concat([points, xp.ones_like(points[:, :1])], axis=1).T


def _scores(lifted: Array, centres: Array) -> Array:
    """x·c − |c|²/2, greatest at the nearest centre: (r, k, n)."""
    xp = library(lifted)
    halves = -0.5 * xp.sum(centres * centres, axis=2, keepdims=True)
    rows = xp.concat([centres, halves], axis=2).reshape(-1, len(lifted))
    return (rows @ lifted).reshape(*centres.shape[:2], -1)


def _update(lifted: Array, centres: Array) -> Array:
    """The means of the points nearest to each centre: (r, k, d)."""
    xp, scores = library(lifted), _scores(lifted, centres)
    top = xp.max(scores, axis=1, keepdims=True)
    members = cast(scores == top, scores.dtype)
    sums = _sums(lifted, members)
    counts = sums[..., -1:]
    if float(xp.sum(counts)) != top.shape[0] * top.shape[2]:  # ties: the first centre takes all
        members *= xp.cumulative_sum(members, axis=1) == 1
        sums = _sums(lifted, members)
        counts = sums[..., -1:]
    if float(xp.min(counts)) == 0:
        for restart in np.flatnonzero(on_host((counts == 0).any(1))[:, 0]):
            _relocate(sums[restart], members[restart], top[restart, 0], lifted)
        there = counts > 0
        return xp.where(there, sums[..., :-1] / xp.where(there, counts, 1.0), centres)
    return sums[..., :-1] / counts


def _sums(lifted: Array, members: Array) -> Array:
    """Per cluster, the sum of its points and their number: (r, k, d + 1)."""
    flat = members.reshape(-1, members.shape[2])
    return (flat @ lifted.T).reshape(*members.shape[:2], -1)


def _relocate(sums: Any, members: Array, top: Array, lifted: Array) -> None:
    """Give each empty cluster of one restart one of the points farthest from their centres.

    Args:
        sums: (k, d + 1), changed in place.
        members: (k, n) ones and zeros.
        top: (n,) score of each point at its own centre.
        lifted: (d + 1, n).
    """
    xp = library(lifted)
    distances = xp.sum(lifted[:-1] ** 2, axis=0) - 2 * top
    empty = xp.nonzero(sums[:, -1] == 0)[0]
    farthest = xp.argsort(-distances, stable=True)[: len(empty)]
    for cluster, point, own in zip(
        empty, farthest, xp.argmax(members[:, farthest], axis=0), strict=True
    ):
        sums[own] -= lifted[:, point]
        sums[cluster] = lifted[:, point]
