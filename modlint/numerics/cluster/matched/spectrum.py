"""The leading eigenvalues of the normalised adjacency of a graph in blocks.

Of a bipartite graph they are the singular values of half the graph, from the Gram matrix of its
smaller side. LAPACK decomposes what is small, in float64; block Lanczos what is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.numerics.graph.adjacency import adjacency
from modlint.numerics.graph.channels import Floats
from modlint.numerics.graph.edges import Edges, Pair
from modlint.numerics.linalg.eigen import leading_pairs
from modlint.numerics.tensor.library import Pairs
from modlint.results.graphs import Block, Graph

WHOLE = 1500
"""Up to this order a matrix is decomposed whole."""

Slices = Mapping[str, slice]


class Layout(Struct, frozen=True):
    """Where the units of each group stand.

    Attributes:
        rows: of a bipartite graph the larger side; of any other all groups.
        columns: of a bipartite graph the smaller side; of any other None.
    """

    rows: Slices
    columns: Slices | None

    @property
    def order(self) -> int:
        """Rows and columns of the matrix whose eigenvalues are sought."""
        return max((part.stop for part in (self.columns or self.rows).values()), default=0)


def layout_of(edges: Edges) -> Layout:
    """Two sides where each edge leads from one to the other."""
    sides = _sides(edges.sizes, edges.between)
    if sides is None:
        return Layout(_places(list(edges.sizes), edges.sizes), None)
    small, large = sorted(sides, key=lambda side: sum(edges.sizes[name] for name in side))
    return Layout(_places(large, edges.sizes), _places(small, edges.sizes))


def _sides(
    sizes: Mapping[str, int], between: Mapping[Pair, Floats]
) -> tuple[list[str], list[str]] | None:
    neighbours: dict[str, set[str]] = {name: set() for name in sizes}
    for source, target in between:
        neighbours[source].add(target)
        neighbours[target].add(source)
    side: dict[str, int] = {}
    for root in sizes:
        waiting = [root] if root not in side else []
        side.setdefault(root, 0)
        while waiting:
            name = waiting.pop()
            for other in neighbours[name]:
                if other not in side:
                    side[other] = 1 - side[name]
                    waiting.append(other)
                elif side[other] == side[name]:
                    return None
    return [n for n in sizes if not side[n]], [n for n in sizes if side[n]]


def _places(names: Sequence[str], sizes: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum([sizes[name] for name in names]).tolist()
    return {name: slice(end - sizes[name], end) for name, end in zip(names, ends, strict=True)}


def leading_values(edges: Edges, layout: Layout, k: int) -> Floats:
    """The k largest eigenvalues of D^-½ A D^-½, descending: (k,).

    Args:
        edges: of connected units.
        layout: its own, or that of the edges that these were exchanged of.
        k: how many, at most a third of the units.

    Raises:
        Unavailable: they did not converge.
    """
    if layout.order > WHOLE:
        found: Floats = _by_lanczos(edges, k)[0]
        return found
    try:
        values = np.linalg.eigvalsh(_matrix(edges, layout))[::-1][:k]
    except np.linalg.LinAlgError as error:
        raise Unavailable(f"the eigenvalues of {edges.units:,} neurons: {error}") from error
    if layout.columns is not None:
        values = np.sqrt(values.clip(0))
    return np.concatenate([values, np.zeros(k - len(values))])


def leading_vectors(edges: Edges, layout: Layout, k: int) -> dict[str, Floats]:
    """The eigenvectors of the k largest eigenvalues, by group: (units, k) each.

    Of a bipartite graph with fewer columns than k, zeros stand for those of eigenvalue zero.

    Raises:
        Unavailable: they did not converge.
    """
    if layout.order > WHOLE:
        places = _places(list(edges.sizes), edges.sizes)
        return _cut(_by_lanczos(edges, k)[1], places)
    values, vectors = np.linalg.eigh(_matrix(edges, layout))
    vectors = vectors[:, ::-1][:, :k]
    vectors = np.pad(vectors, ((0, 0), (0, k - vectors.shape[1])))
    if layout.columns is None:
        return _cut(vectors, layout.rows)
    sigma = np.sqrt(np.pad(values[::-1][:k], (0, max(0, k - len(values)))).clip(0))
    images = np.zeros((max(part.stop for part in layout.rows.values()), k))
    for row, column, weights in _halves(edges, layout):
        images[row] += weights @ vectors[column]
    images = images * np.divide(1, sigma, out=np.zeros(k), where=sigma > 1e-7)
    half = 0.5**0.5
    return _cut(half * images, layout.rows) | _cut(half * vectors, layout.columns)


def _cut(vectors: Floats, places: Slices) -> dict[str, Floats]:
    return {name: vectors[place] for name, place in places.items()}


def normalised(edges: Edges) -> dict[Pair, Floats]:
    """Each pair's weights over the roots of both units' degrees."""
    roots = {name: degrees**-0.5 for name, degrees in edges.degrees.items()}
    return {
        (source, target): roots[source][:, None] * weights * roots[target]
        for (source, target), weights in edges.between.items()
    }


def _matrix(edges: Edges, layout: Layout) -> Floats:
    """The Gram matrix of the smaller side, or the whole normalised adjacency."""
    matrix = np.zeros((layout.order, layout.order))
    if layout.columns is None:
        for (source, target), weights in normalised(edges).items():
            matrix[layout.rows[source], layout.rows[target]] += weights
            matrix[layout.rows[target], layout.rows[source]] += weights.T
        return matrix
    beside: dict[int, list[tuple[slice, Floats]]] = {}
    for row, column, weights in _halves(edges, layout):
        beside.setdefault(row.start, []).append((column, weights))
    for parts in beside.values():
        for number, (left, weights) in enumerate(parts):
            matrix[left, left] += weights.T @ weights
            for right, other in parts[:number]:
                inner = weights.T @ other
                matrix[left, right] += inner
                matrix[right, left] += inner.T
    return matrix


def _halves(edges: Edges, layout: Layout) -> list[tuple[slice, slice, Floats]]:
    """The blocks of a bipartite graph as they stand between its sides."""
    found = []
    assert layout.columns is not None  # noqa: S101
    for (source, target), weights in normalised(edges).items():
        if source in layout.rows:
            found.append((layout.rows[source], layout.columns[target], weights))
        else:
            found.append((layout.rows[target], layout.columns[source], weights.T))
    return found


def _by_lanczos(edges: Edges, k: int) -> Pairs:
    """Values, and vectors with groups in their order."""
    blocks = (
        Block("", "", source, target, weights.astype(np.float32))
        for (source, target), weights in edges.between.items()
    )
    return leading_pairs(adjacency(Graph(dict(edges.sizes), tuple(blocks))), k)
