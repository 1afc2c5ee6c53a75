"""A canonical form of what was rebuilt of a file, to compare what several files hold.

A row of a call is known by its values, with the norms around the call folded in; a call that reads
it by which rows make the channels of each of its columns. Names, the order of layers, fused or
split projections, and the order of gates play no part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
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
        names: of each call.
        rows: of each call, its rows' folded values, (rows, columns of a group · positions); None
            where these are not known.
        groups: of each call, the number of its groups.
        columns: of each call, for each column the rows behind it.
    """

    names: list[str] = field(default_factory=list)
    rows: list[np.ndarray | None] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    columns: list[list[set[Row]]] = field(default_factory=list)


def form_of(file: Rebuilt) -> Form:
    """The canonical form of a file's networks."""
    form = Form()
    for network in file.networks:
        place = {call.name: len(form.names) + i for i, call in enumerate(network.calls)}
        folding = Folding(network, file)
        for call in network.calls:
            form.names.append(call.name)
            form.rows.append(_folded(call, file, folding))
            form.groups.append(call.groups)
            form.columns.append([set() for _ in range(call.columns if call.reads else 0)])
        _read(network, place, form)
    return form


def _folded(call: Call, file: Rebuilt, folding: Folding) -> np.ndarray | None:
    if call.layout is None:
        return None
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


def difference(first: Form, second: Form) -> Difference:
    """Compare two forms, row by row and column by column."""
    numbers = _numbered(first, second)
    found = Difference()
    held = [{int(n) for own in numbers[i] for n in own} for i in (0, 1)]
    for i, form in ((0, first), (1, second)):
        lacking = found.missing if i == 0 else found.unmatched
        for name, own in zip(form.names, numbers[i], strict=True):
            count = sum(int(n) not in held[1 - i] or n < 0 for n in own)
            if count:
                lacking[name] = count
    known = _sources(first, numbers[0])
    sources = _sources(second, numbers[1])
    for name, own in zip(second.names, numbers[1], strict=True):
        count = sum(n in known and known[n] != sources[n] for n in map(int, own) if n >= 0)
        if count:
            found.other[name] = count
    return found


def _sources(form: Form, numbers: list[np.ndarray]) -> dict[int, set[Sources]]:
    """By number of a row, what its columns read, in all calls that have it."""
    found: dict[int, set[Sources]] = defaultdict(set)
    for place, own in enumerate(numbers):
        groups = form.groups[place]
        columns = form.columns[place]
        fan_in, height = len(columns) // groups, len(own) // groups
        for group in range(groups):
            read = tuple(
                frozenset(int(numbers[call][row]) for call, row in behind)
                for behind in columns[group * fan_in : (group + 1) * fan_in]
            )
            for number in own[group * height : (group + 1) * height].tolist():
                found[number].add(read)
    return found


def _numbered(*forms: Form) -> list[list[np.ndarray]]:
    """For each row of each call of each form a number, the same for rows of the same values.

    −1 where the values are not known.
    """
    numbers = [[np.full(0, -1) if r is None else np.full(len(r), -1) for r in f.rows] for f in forms]
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i, form in enumerate(forms):
        for call, rows in enumerate(form.rows):
            if rows is not None:
                places[rows.shape[1]].append((i, call))
    first = 0
    for width, calls in sorted(places.items()):
        rows = np.concatenate([forms[i].rows[call] for i, call in calls])  # type: ignore[list-item]
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
