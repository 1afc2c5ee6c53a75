"""Periods that the kernels of a one-dimensional convolution answer to (arXiv 2306.02300)."""

from __future__ import annotations

import numpy as np

from modlint.numerics.inputs import Array
from modlint.numerics.spectra.matrices import on_cpu
from modlint.results.spectra import Kernels

_SHORTEST = 4
_PADDED = 4
"""Times the length of a kernel that its transform is sampled at."""


def kernel_periods(values: Array) -> Kernels | None:
    """The mean power of all kernels, each without its mean; None where none has any.

    Args:
        values: (out, in, positions).
    """
    kernels = np.asarray(on_cpu(values), np.float64)
    length = kernels.shape[-1]
    if length < _SHORTEST:
        return None
    kernels = kernels - kernels.mean(axis=-1, keepdims=True)
    plain = (np.abs(np.fft.rfft(kernels)) ** 2).mean(axis=(0, 1))[1:]
    if not 0 < plain.sum() < np.inf:
        return None
    fine = (np.abs(np.fft.rfft(kernels, _PADDED * length)) ** 2).mean(axis=(0, 1))
    fine[: _PADDED // 2] = 0
    peak = int(fine.argmax())
    flatness = float(np.exp(np.log(np.maximum(plain, np.finfo(float).tiny)).mean()) / plain.mean())
    return Kernels(length, _PADDED * length / peak, float(plain.max() / plain.sum()), flatness)
