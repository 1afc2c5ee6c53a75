"""The library that an array belongs to: numpy on the CPU, torch on a GPU, by the same names.

Code that computes alike with both takes its functions from here: those of the Python array API
standard (data-apis.org/array-api), which array-api-compat gives torch and old numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.inputs import Array, Device

Pairs = tuple[Array, Array]
"""Eigenvalues (…, k), descending, and eigenvectors (…, order, k)."""


def on_numpy(values: Array) -> bool:
    """Whether it is an array, or a number, of numpy's."""
    return isinstance(values, np.ndarray | np.generic)


def library(values: Array) -> Any:
    """The functions of the array API standard for an array."""
    if not on_numpy(values):
        from array_api_compat import torch

        return torch
    if hasattr(np, "matrix_transpose"):  # since 2.0 numpy keeps to the standard itself
        return np
    from array_api_compat import numpy

    return numpy


def device_of(values: Array) -> Device:
    """Where the elements are."""
    return "cpu" if on_numpy(values) else values.device


def on_host(values: Array) -> NDArray[Any]:
    """The elements as an array of numpy's."""
    found: NDArray[Any] = values if on_numpy(values) else values.detach().cpu().numpy()
    return found


def beside(values: NDArray[Any], array: Array) -> Array:
    """Elements of numpy's where an array is, in their own type."""
    if on_numpy(array):
        return values
    return library(array).asarray(np.ascontiguousarray(values), device=device_of(array))


def on_device(values: NDArray[Any], device: Device) -> Array:
    """Elements of numpy's on a device: themselves on "cpu", else a tensor of torch's."""
    if isinstance(device, str):
        return values
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def cast(values: Array, dtype: Any) -> Array:
    """The elements in another type; themselves where it is theirs."""
    return library(values).astype(values, dtype, copy=False)


def turned(matrix: Array) -> Array:
    """A matrix, or each of a stack, transposed."""
    return matrix.swapaxes(-1, -2)


def largest(symmetric: Array, k: int) -> Pairs:
    """The k largest eigenpairs of small symmetric matrices, of which the lower half is read.

    LAPACK decomposes them on the CPU, wherever they are: stacks of small matrices take a GPU
    longer, and what is needed of them is small.

    Args:
        symmetric: (…, order, order).
        k: how many.
    """
    values, vectors = np.linalg.eigh(on_host(symmetric))
    leading = (values[..., -k:][..., ::-1], vectors[..., -k:][..., ::-1])
    first, second = (beside(np.ascontiguousarray(part), symmetric) for part in leading)
    return first, second


def inverse_factors(positive: Array) -> Array:
    """L⁻¹ of positive definite matrices L Lᵀ, (…, order, order); the host waits for no GPU."""
    if on_numpy(positive):
        return np.linalg.inv(np.linalg.cholesky(positive))
    import torch

    factors, _ = torch.linalg.cholesky_ex(positive)
    whole = torch.eye(positive.shape[-1], dtype=positive.dtype, device=positive.device)
    return torch.linalg.solve_triangular(factors, whole.expand_as(factors), upper=False)
