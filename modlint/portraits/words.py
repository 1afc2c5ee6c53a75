"""What `modlint clusters` says of a partition in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf, isnan
from statistics import fmean

from modlint.portraits.portrait import NetworkPortrait
from modlint.results.lesions import LesionTest
from modlint.results.partitions import End
from modlint.text import count, number, printable

RUNS, SPARE = 8, 2
"""Runs of units that are written out for one cluster of one layer; few more than these are too."""


def facts(network: NetworkPortrait) -> str:
    """How large the network is, and how it was clustered."""
    parts = [count(network.neurons, "neuron")]
    if network.isolated_units:
        parts.append(f"{network.isolated_units:,} isolated")
    parts.append(count(network.connections, "connection"))
    return " · ".join([*parts, f"{len(network.clusters)} clusters", f"seed {network.seed}"])


def ncut(network: NetworkPortrait) -> str:
    """The n-cut, and what bounds it."""
    graph = "balanced weights" if network.method == "matched" else "the weights as they are"
    return (
        f"{network.ncut:.2f} of {graph}, in/out {ratio(network.in_out_ratio)} in the mean cluster;"
        f" no partition into {len(network.clusters)} is below {network.spectral_sum:.2f}"
    )


def ratio(value: float | None) -> str:
    """An in/out ratio."""
    if value is None or isnan(value):
        return "·"
    return "∞" if value == inf else f"{value:.3f}"


def modules(network: NetworkPortrait) -> str:
    """Whether there are modules beyond unit strengths."""
    test = network.modules
    if test.clusters is None:
        return test.verdict_in_words
    return (
        f"{test.verdict_in_words}: k* {test.clusters}, effect {test.effect_size:.1%},"
        f" p {test.p_value:.2g} of {test.shuffles} exchanges"
    )


def shuffled(network: NetworkPortrait) -> str:
    """The n-cut among those of the shuffled networks, or why there are none."""
    null = network.null
    if null.null_mean is None:
        return null.verdict_in_words
    return (
        f"{null.verdict_in_words}: n-cut {null.ncut:.2f} against {null.null_mean:.2f}"
        f" ± {null.null_std:.2g} of {null.shuffles} shuffles, {null.clusters} clusters"
        f" (z {null.z_score:.1f}, p {null.p_value:.2g}, effect {null.effect_size:.1%})"
    )


def seeds(network: NetworkPortrait) -> str:
    """How far the partitions of several seeds agree."""
    if network.agreement is None:
        return "1: how stable the clusters are is not known"
    own = [share for shares in network.stability.values() for share in shares if share is not None]
    return (
        f"{network.seeds}: adjusted Rand index {network.agreement:.2f}; a neuron stays with its"
        f" cluster in {fmean(own):.0%} of them"
    )


def lesions(test: LesionTest) -> Iterator[tuple[str, str]]:
    """What comes of all lesions together, with what each line is about."""
    yield "accuracy", f"{test.accuracy:.2%} of {count(test.samples, 'sample')}"
    number_of = count(len(test.lesions), "lesion")
    more = "more" if test.effect >= 0 else "less"
    yield (
        "lesions",
        f"{number_of} cost {abs(test.effect):.2%} of accuracy {more} than random groups of as many"
        f" units (p {test.importance_p:.2g}, {test.groups} groups each); selectivity p"
        f" {test.selectivity_p:.2g}",
    )
    for reason, layers in _by_reason(test.left_out).items():
        yield "left out", f"{', '.join(printable(layer, 16) for layer in layers)}: {reason}"


def _by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for layer, reason in left_out.items():
        found.setdefault(reason, []).append(layer)
    return found


def stable(share: float | None) -> str:
    """A mean stability."""
    return "·" if share is None else f"{share:.0%}"


def ends(found: Sequence[End]) -> str:
    """Inputs or outputs by their numbers; with the layer's name where there are several layers."""
    layers = dict.fromkeys(end.layer for end in found)
    if len(layers) > 1:
        return ", ".join(f"{printable(end.layer, 12)} {end.unit}" for end in found)
    return ", ".join(str(end.unit) for end in found) or "·"


def gaps(eigenvalues: Sequence[float], k: int) -> str:
    """The eigengap after k, and where the widest is; the first, of one cluster, tells nothing."""
    found = {i: high - low for i, (low, high) in enumerate(pairwise(eigenvalues), 1) if i > 1}
    if not found:
        return "no eigenvalue beyond the clusters"
    widest = max(found, key=lambda i: found[i])
    here = f"{number(found[k])} after eigenvalue {k}" if k in found else f"unknown after {k}"
    if widest == k:
        return f"{here}, the widest of {len(eigenvalues)}"
    return f"{here}; the widest of {len(eigenvalues)} is {number(found[widest])} after {widest}"


def listed(units: Sequence[int]) -> str:
    """Units as runs, "0-3, 7"; of many the first, and how many units are left out."""
    found = list(runs(units))
    kept = RUNS if len(found) > RUNS + SPARE else len(found)
    words = [f"{first}-{last}" if last > first else f"{first}" for first, last in found[:kept]]
    left = sum(last - first + 1 for first, last in found[kept:])
    return ", ".join([*words, *([f"and {left:,} more"] if left else [])])


def runs(units: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive numbers, (first, last), of ascending ones."""
    first = last = None
    for unit in units:
        if first is None or last is None:
            first = last = unit
        elif unit == last + 1:
            last = unit
        else:
            yield first, last
            first = last = unit
    if first is not None and last is not None:
        yield first, last
