"""A canonical form of what was rebuilt of a file, to compare what several files hold.

A row of a call is known by its values, with the norms around the call folded in; a call that reads
it by which rows make the channels of each of its columns. Names, the order of layers, fused or
split projections, and the order of gates play no part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

import numpy as np

from modlint.edges import direct_edges, pairs_of
from modlint.network import Call, Network
from modlint.numerics.graph.folding import Folding
from modlint.numerics.graph.kernels import kernels_of
from truth.rebuilt import Rebuilt

TOLERANCE = 1e-5  # of a row's largest element
MOST_PAIRS = 1 << 26
Row = tuple[int, int]  # place of a call among all, row
Sources = tuple[frozenset[int], ...]  # by column of a row's group, numbers of the rows behind


@dataclass
class Form:
    """The calls of a file.

    Attributes:
        weights: of each call, the name of its tensor.
        names: of each call.
        rows: of each call, its rows' folded values, (rows, columns of a group · positions); where
            the call computes with something computed of its tensor, the tensor's size and their
            places.
        groups: of each call, the number of its groups.
        columns: of each call, for each column the rows behind it.
    """

    weights: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    columns: list[list[set[Row]]] = field(default_factory=list)


def form_of(file: Rebuilt) -> Form:
    """The canonical form of a file's networks."""
    form = Form()
    for network in file.networks:
        place = {call.name: len(form.names) + i for i, call in enumerate(network.calls)}
        folding = Folding(network, file)
        for call in network.calls:
            form.weights.append(call.weight)
            form.names.append(call.name)
            form.rows.append(_folded(call, file, folding))
            form.groups.append(call.groups)
            form.columns.append([set() for _ in range(call.columns if call.reads else 0)])
        _read(network, place, form)
    return form


def _folded(call: Call, file: Rebuilt, folding: Folding) -> np.ndarray:
    if call.layout is None:
        whole = float(np.abs(np.asarray(file.weight(call.weight), np.float64)).sum())
        places = np.arange(call.rows)
        return np.stack([np.full(call.rows, whole), whole * places / call.rows], 1)
    kernels = kernels_of(call, file.weight(call.weight)).astype(np.float64)
    groups, height, fan_in, positions = kernels.shape
    factors = np.ones(call.columns)
    for read in folding.columns(call):
        factors[read.columns] = read.factors
    kernels = kernels * factors.reshape(groups, 1, fan_in, 1)
    rows = kernels.reshape(groups * height, fan_in * positions)
    return rows * folding.rows(call)[1][:, None]


def _read(network: Network, place: dict[str, int], form: Form) -> None:
    """Note which rows are behind each column: of a recurrent unit all of its gates."""
    behind: dict[str, dict[int, list[Row]]] = {}
    for call in network.calls:
        driven: dict[int, list[Row]] = defaultdict(list)
        for span in call.drives:
            for channel, row in pairs_of(span).T.tolist():
                driven[channel].append((place[call.name], row))
        behind[call.name] = driven
    for edges in direct_edges(network, MOST_PAIRS):
        if edges.producer is not None:
            columns = form.columns[place[edges.consumer]]
            for channel, column in edges.pairs.T.tolist():
                columns[column].update(behind[edges.producer][channel])


@dataclass
class Difference:
    """How two forms differ.

    Attributes:
        unmatched: calls of the second with rows that the first has not, and the number of these.
        missing: calls of the first with rows that the second has not.
        other: calls of the second whose columns read other rows, and the number of these.
    """

    unmatched: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    other: dict[str, int] = field(default_factory=dict)

    @property
    def is_none(self) -> bool:
        """Whether the forms are the same."""
        return not (self.unmatched or self.missing or self.other)


def difference(first: Form, second: Form, optional: Container[str] = frozenset()) -> Difference:
    """Compare two forms, row by row and column by column.

    Args:
        first: of one file.
        second: of another.
        optional: tensors of the first that the second may hold as constants (tables of positions).
    """
    mine, others = _numbered(first, second)
    pairs = zip(first.weights, mine, strict=True)
    left_out = {int(n) for weight, own in pairs if weight in optional for n in own}
    found = Difference()
    for form, own, there, lacking in (
        (first, mine, others, found.missing),
        (second, others, mine, found.unmatched),
    ):
        held = {int(n) for numbers in there for n in numbers} | left_out
        for name, numbers in zip(form.names, own, strict=True):
            lacking[name] = sum(n not in held for n in numbers.tolist())
    known, sources = (_sources(f, n, left_out) for f, n in ((first, mine), (second, others)))
    for name, numbers in zip(second.names, others, strict=True):
        both = [n for n in numbers.tolist() if n in known and n not in left_out]
        found.other[name] = sum(known[n] != sources[n] for n in both)
    parts = ({k: n for k, n in part.items() if n} for part in vars(found).values())
    return Difference(*parts)


def _sources(form: Form, numbers: list[np.ndarray], left_out: set[int]) -> dict[int, Sources]:
    """By number of a row, what its columns read, in all calls that have it together."""
    found: dict[int, Sources] = {}
    for place, own in enumerate(numbers):
        groups = form.groups[place]
        columns = form.columns[place]
        fan_in, height = len(columns) // groups, len(own) // groups
        for group in range(groups):
            read = tuple(
                frozenset(int(numbers[call][row]) for call, row in behind) - left_out
                for behind in columns[group * fan_in : (group + 1) * fan_in]
            )
            for number in own[group * height : (group + 1) * height].tolist():
                found[number] = _together(found.get(number, read), read)
    return found


def _together(one: Sources, other: Sources) -> Sources:
    if one is other:
        return one
    return tuple(map(frozenset.union, one, other)) if one and other else one or other


def _numbered(*forms: Form) -> list[list[np.ndarray]]:
    """For each row of each call of each form a number, the same for rows of the same values."""
    numbers = [[np.zeros(len(rows), np.int64) for rows in form.rows] for form in forms]
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i, form in enumerate(forms):
        for call, rows in enumerate(form.rows):
            places[rows.shape[1]].append((i, call))
    first = 0
    for width, calls in sorted(places.items()):
        rows = np.concatenate([forms[i].rows[call] for i, call in calls])
        own = first + _classes(rows, width)
        first = int(own.max(initial=first)) + 1
        ends = np.cumsum([len(numbers[i][call]) for i, call in calls])[:-1]
        for (i, call), part in zip(calls, np.split(own, ends), strict=True):
            numbers[i][call] = part
    return numbers


def _classes(rows: np.ndarray, seed: int) -> np.ndarray:
    """Numbers of rows, equal for rows whose elements differ by less than the tolerance."""
    size = np.abs(rows).max(1, initial=0)
    shares = np.random.default_rng(seed).uniform(0.5, 1, rows.shape[1])
    key = rows @ (shares / shares.sum())
    order = np.argsort(key)
    found = np.full(len(rows), -1)
    count = 0
    for at, row in enumerate(order.tolist()):
        for other in _near(order, key, at, TOLERANCE * size[row]):
            if np.abs(rows[row] - rows[other]).max(initial=0) <= TOLERANCE * size[row]:
                found[row] = found[other]
                break
        else:
            found[row] = count
            count += 1
    return found


def _near(order: np.ndarray, key: np.ndarray, at: int, most: float) -> Iterator[int]:
    """Rows before a place in the order whose keys are near its own."""
    for before in range(at - 1, -1, -1):
        if key[order[at]] - key[order[before]] > most:
            return
        yield int(order[before])
