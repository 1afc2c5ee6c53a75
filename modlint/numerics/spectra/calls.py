"""Spectra of what a network computes with: ranks, radii and norms of its calls."""

from __future__ import annotations

import math

import numpy as np

from modlint.dtypes import precision_of
from modlint.errors import Unavailable
from modlint.network import Call
from modlint.numerics.graph.kernels import kernels_of
from modlint.numerics.inputs import Inputs
from modlint.numerics.spectra.matrices import Floats, on_cpu
from modlint.numerics.spectra.ranks import centred_rank, matrix_rank
from modlint.results.spectra import Ranks, Recurrence

LARGEST_STATE = 4096
"""Units of a state whose eigenvalues are computed."""


def call_rank(call: Call, inputs: Inputs, *, centred: bool) -> Ranks:
    """The rank of a call's weight, (rows, columns · positions); of groups that of all together.

    Args:
        call: with one group where `centred`.
        inputs: that give its weight.
        centred: whether the mean of its rows is taken off.

    Raises:
        Unavailable: its entries are not known or not finite, or are zero throughout.
    """
    weight = on_cpu(inputs.weight(call.weight))
    precision = precision_of(weight.dtype.name)
    groups = kernels_of(call, weight)
    found = []
    for group in groups:
        matrix = np.asarray(group, np.float64).reshape(len(group), -1)
        if not np.isfinite(matrix).all():
            raise Unavailable("its elements are not all finite")
        if not matrix.any():
            raise Unavailable("all its elements are zero")
        found.append((centred_rank if centred else matrix_rank)(matrix, precision))
    if not found:
        raise Unavailable("it has no elements")
    first = found[0]
    if len(found) == 1:
        return first
    return Ranks(
        rows=sum(each.rows for each in found),
        columns=sum(each.columns for each in found),
        full=sum(each.full for each in found),
        rank=sum(each.rank for each in found),
        tolerance=max(each.tolerance for each in found),
        chance=sum(each.chance for each in found),
        effective_rank=sum(each.effective_rank for each in found),
        compressed=sum(each.compressed for each in found),
    )


def recurrence(call: Call, inputs: Inputs) -> Recurrence | None:
    """Spectral radii of a recurrent call's gates; None where its state is projected.

    Raises:
        Unavailable: its entries are not known or not finite, or are too many.
    """
    size = call.columns
    if not size or call.rows % size or call.groups != 1:
        return None
    if size > LARGEST_STATE:
        raise Unavailable(f"a state of more than {LARGEST_STATE:,} units")
    kernels = kernels_of(call, on_cpu(inputs.weight(call.weight)))
    if kernels.shape[3] != 1:
        return None
    whole = np.asarray(kernels[0, :, :, 0], np.float64)
    if not np.isfinite(whole).all():
        raise Unavailable("its elements are not all finite")
    gates = whole.reshape(-1, size, size)
    return Recurrence(size, tuple(_radius(gate) for gate in gates))


def _radius(gate: Floats) -> float:
    largest = float(np.abs(np.linalg.eigvals(gate)).max())
    if not math.isfinite(largest):
        raise Unavailable("its eigenvalues are not finite")
    return largest
