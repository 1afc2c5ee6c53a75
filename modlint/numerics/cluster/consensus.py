"""How far partitions from several seeds agree, and the one that agrees most with the others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from modlint.numerics.graph.channels import Floats, Ints


def adjusted_rand(one: Ints, other: Ints) -> float:
    """The adjusted Rand index of two partitions of the same units.

    Hubert & Arabie, Comparing Partitions, Journal of Classification 2 (1985), equation 5: 1 where
    they are the same, 0 on average where they have nothing in common.

    Args:
        one: (units,) labels from 0.
        other: (units,) labels from 0.
    """
    table = _together(one, other)
    both, of_one, of_other = (
        float(_pairs(counts).sum()) for counts in (table, table.sum(1), table.sum(0))
    )
    expected = of_one * of_other / max(1.0, float(_pairs(np.array(len(one)))))
    most = (of_one + of_other) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def _together(one: Ints, other: Ints) -> Ints:
    """How many units have each pair of labels."""
    found = np.zeros((one.max() + 1, other.max() + 1), np.int64)
    np.add.at(found, (one, other), 1)
    return found


def _pairs(counts: Ints) -> Ints:
    return counts * (counts - 1) // 2


def medoid(partitions: Sequence[Ints]) -> tuple[int, float | None]:
    """Which partition agrees most with the others, the first of equals, and their mean agreement.

    Args:
        partitions: (units,) labels each, at least one.

    Returns:
        Its number, and the mean adjusted Rand index of all pairs, None of a single partition.
    """
    if len(partitions) == 1:
        return 0, None
    agreement = np.zeros((len(partitions), len(partitions)))
    for one, other in combinations(range(len(partitions)), 2):
        index = adjusted_rand(partitions[one], partitions[other])
        agreement[one, other] = agreement[other, one] = index
    sums = agreement.sum(1).round(9)
    return int(sums.argmax()), float(agreement.sum() / (len(sums) * (len(sums) - 1)))


def stability(partitions: Sequence[Ints], chosen: int) -> Floats:
    """For each unit, the share of the others that put it where they put most of its cluster.

    Args:
        partitions: (units,) labels each.
        chosen: number of the one whose clusters are meant.

    Returns:
        (units,); NaN where there is no other.
    """
    own = partitions[chosen]
    others = [labels for number, labels in enumerate(partitions) if number != chosen]
    if not others:
        return np.full(len(own), np.nan)
    stays = [_together(own, labels).argmax(1)[own] == labels for labels in others]
    found: Floats = np.mean(stays, axis=0)
    return found
