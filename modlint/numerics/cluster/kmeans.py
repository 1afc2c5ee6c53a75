"""k-means with many restarts as one batch: greedy k-means++, then Lloyd's iterations.

Follows scikit-learn's `KMeans` (greedy k-means++ of Arthur & Vassilvitskii 2007, tolerance relative
to the mean variance, empty clusters moved to the farthest points), restart by restart.
"""

from __future__ import annotations

import math

import torch

TOLERANCE = 1e-4
"""A restart ends when the squared shift of its centres falls to this share of the variance."""

ITERATIONS = 300
"""A restart ends after so many iterations."""

BATCH = 1 << 20
"""Distances held at a time, over the restarts of a batch."""

RANGE = 1e6
"""Largest squared distance from the median, in median ones, of points that float32 tells apart."""


def cluster(points: torch.Tensor, k: int, restarts: int, random: torch.Generator) -> torch.Tensor:
    """Labels of the restart with the least inertia: (n,) int64 on the points' device.

    The restarts run in float32 where the points allow it; their inertia and the labels of the best
    are taken in float64.

    Args:
        points: (n, d) float64, n ≥ k.
        k: number of clusters; fewer come out only where fewer points are distinct.
        restarts: number of restarts.
        random: CPU generator; the restarts' draws depend on nothing else.
    """
    points = points - points.mean(0)
    narrow = points.float() if _fits_float32(points) else points
    first = torch.randint(len(points), (restarts,), generator=random).to(points.device)
    trials = 2 + int(math.log(k))
    draws = torch.rand(k - 1, restarts, trials, dtype=torch.float64, generator=random)
    size = max(1, BATCH // (k * len(points)))
    batches = zip(torch.split(first, size), torch.split(draws.to(narrow), size, 1), strict=True)
    centres = [_lloyd(narrow, _plus_plus(narrow, *batch)).to(points) for batch in batches]
    lifted = _lifted(points)
    nearest = [_scores(lifted, some).amax(1).sum(1) for some in centres]
    best = torch.cat(centres)[torch.cat(nearest).argmax()]
    return _scores(lifted, best.unsqueeze(0))[0].argmax(0)


def _fits_float32(points: torch.Tensor) -> bool:
    squares = (points - points.median(0).values).square().sum(1)
    return bool(squares.max() <= RANGE * squares.median())


def _plus_plus(points: torch.Tensor, first: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """Greedy k-means++: each next centre is the best of several drawn by squared distance.

    Args:
        points: (n, d).
        first: (r,) index of each restart's first centre.
        draws: (k − 1, r, trials) uniform in [0, 1).

    Returns:
        (r, k, d) centres.
    """
    squares = points.square().sum(1)
    chosen = [first]
    closest = _distances(points, squares, first)  # (r, n)
    for draw in draws:
        cumulative = closest.cumsum(1)
        picks = torch.searchsorted(cumulative, draw * cumulative[:, -1:]).clamp_max(len(points) - 1)
        candidates = torch.minimum(_distances(points, squares, picks), closest.unsqueeze(1))
        best = candidates.sum(2).argmin(1, keepdim=True)
        closest = candidates.gather(1, best.unsqueeze(2).expand(-1, 1, len(points))).squeeze(1)
        chosen.append(picks.gather(1, best).squeeze(1))
    return points[torch.stack(chosen, 1)]


def _distances(points: torch.Tensor, squares: torch.Tensor, picks: torch.Tensor) -> torch.Tensor:
    """Squared distances from picked points to all: (*picks, n)."""
    products = points[picks] @ points.T
    return (squares[picks].unsqueeze(-1) + squares - 2 * products).clamp_min_(0)


def _lloyd(points: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Iterate every restart to its end: centres (r, k, d)."""
    lifted = _lifted(points)
    tolerance = TOLERANCE * points.var(0, correction=0).mean()
    final = centres.clone()
    active = torch.arange(len(centres), device=points.device)
    for _ in range(ITERATIONS):
        moved = _update(lifted, centres)
        going = (moved - centres).square_().sum((1, 2)) > tolerance
        final[active] = moved
        active, centres = active[going], moved[going]
        if not len(active):
            break
    return final


def _lifted(points: torch.Tensor) -> torch.Tensor:
    """Points by column and a row of ones, so that a product gives sums and counts: (d + 1, n)."""
    return torch.cat([points.T, points.new_ones(1, len(points))])


def _scores(lifted: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """x·c − |c|²/2, greatest at the nearest centre: (r, k, n)."""
    halves = centres.square().sum(2, keepdim=True) * -0.5
    rows = torch.cat([centres, halves], 2).flatten(0, 1)
    return (rows @ lifted).view(*centres.shape[:2], -1)


def _update(lifted: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """The means of the points nearest to each centre: (r, k, d)."""
    scores = _scores(lifted, centres)
    top = scores.amax(1, keepdim=True)
    members = scores.eq_(top)  # ones and zeros, in place: a copy would double the time
    sums = _sums(lifted, members)
    counts = sums[..., -1:]
    if counts.sum() != top.numel():  # ties: the first centre takes all
        members *= members.cumsum(1) == 1
        sums = _sums(lifted, members)
        counts = sums[..., -1:]
    if counts.amin() == 0:
        for restart in (counts == 0).any(1).flatten().nonzero().flatten().tolist():
            _relocate(sums[restart], members[restart], top[restart, 0], lifted)
        return torch.where(counts > 0, sums[..., :-1] / counts, centres)
    return sums[..., :-1] / counts


def _sums(lifted: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """Per cluster, the sum of its points and their number: (r, k, d + 1)."""
    return (lifted @ members.flatten(0, 1).T).T.reshape(*members.shape[:2], -1)


def _relocate(
    sums: torch.Tensor, members: torch.Tensor, top: torch.Tensor, lifted: torch.Tensor
) -> None:
    """Give each empty cluster of one restart one of the points farthest from their centres.

    Args:
        sums: (k, d + 1), changed in place.
        members: (k, n) ones and zeros.
        top: (n,) score of each point at its own centre.
        lifted: (d + 1, n).
    """
    distances = lifted[:-1].square().sum(0) - 2 * top
    empty = (sums[:, -1] == 0).nonzero().flatten()
    farthest = distances.argsort(descending=True, stable=True)[: len(empty)]
    moved = lifted[:, farthest].T
    sums.index_add_(0, members[:, farthest].argmax(0), -moved)
    sums[empty] = moved
