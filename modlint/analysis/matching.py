"""Which tensor of one checkpoint holds the content of which of another: numerics, on demand.

Everything here reads a few elements of each tensor, or the elements of a few tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modlint.analysis.base import Array
from modlint.checkpoint import Tensor


def elements_of(tensor: Tensor) -> Array:
    """A tensor's elements with numpy; mapped, without a copy.

    Raises:
        Unavailable: they are none to compute with.
        UnreadableError: the bytes cannot be read.
    """
    from modlint.numerics.tensor.values import values_of

    return values_of(tensor, "cpu")


def layouts(shape: tuple[int, ...], target: tuple[int, ...]) -> Iterator[tuple[int, ...] | None]:
    """Orders of the axes of an array, and its reading in another shape, that fit a target."""
    from modlint.numerics.compare.samples import layouts as orders

    return orders(shape, target)


def sample(values: Array, axes: tuple[int, ...] | None) -> Array:
    """Elements at fixed places of an array whose axes were put in an order."""
    from modlint.numerics.compare.samples import places
    from modlint.numerics.compare.samples import sample as taken

    return taken(values, axes, places(values.size))


def distances(old: Sequence[Array], new: Sequence[Array]) -> tuple[Array, Array]:
    """Of each old and each new sample the squared relative distance, and the correlation."""
    from modlint.numerics.compare.samples import distances as measured

    return measured(old, new)


def find_rows(whole: Array, parts: Sequence[Array]) -> list[tuple[int | None, bool]]:
    """For each matrix the row of the whole at which its rows begin.

    Args:
        whole: (rows, columns).
        parts: (fewer or as many rows, columns) each.

    Returns:
        None where they do not follow one another in it, and whether they are there in another
        order.
    """
    from modlint.numerics.compare.parts import alike, offsets, probes, rows_at, rows_within

    found: list[tuple[int | None, bool]] = []
    for part, start in zip(
        parts, offsets(whole, [rows_at(part, (0,))[0] for part in parts]), strict=True
    ):
        at = probes(len(part))
        if start is None:
            found.append((None, False))
        elif start + len(part) <= len(whole) and alike(
            rows_at(whole, [start + row for row in at]), rows_at(part, at)
        ):
            found.append((start, False))
        else:
            found.append((None, rows_within(whole, part)))
    return found


def find_run(whole: Array, part: Array, free: Array) -> int | None:
    """Where the elements of a vector stand in another, among its free places."""
    from modlint.numerics.compare.parts import run_at

    return run_at(whole, part, free)


def free_places(size: int) -> Array:
    """A mask that says that nothing has a place yet."""
    import numpy as np

    return np.ones(size, dtype=bool)


def reordered(old: Array, new: Array) -> bool:
    """Whether two matrices of one shape hold the same rows in another order."""
    from modlint.numerics.compare.parts import rows_within

    return rows_within(new, old) and rows_within(old, new)


def scattered(whole: Array, part: Array) -> bool:
    """Whether every element of a vector is one of another's."""
    from modlint.numerics.compare.parts import scattered as contained

    return contained(whole, part)


def constant(values: Array) -> bool:
    """Whether every element is the same."""
    taken = sample(values, tuple(range(values.ndim)))
    if len(taken) and (taken != taken[0]).any():
        return False
    return bool((values == values.reshape(-1)[0]).all()) if values.size else True


def directions(values: Array) -> Array:
    """Rows of a tensor, each of length one, that tell it whatever factors its rows have."""
    from modlint.numerics.compare.samples import directions as taken

    return taken(values)


def product_norm(a: Array, b: Array) -> float:
    """‖B A‖ of low-rank factors A (r, …) and B (…, r)."""
    from modlint.numerics.compare.factors import product_norm as norm_of

    return norm_of(a, b)


def norm(values: Array) -> float:
    """‖W‖ of a tensor."""
    from modlint.numerics.compare.factors import norm as norm_of

    return norm_of(values)
