"""What a buffer of indices holds."""

from __future__ import annotations

import numpy as np

from modlint.numerics.inputs import Array
from modlint.numerics.tensor.arrays import on_numpy, wide
from modlint.results.index_buffers import IndexBuffer


def index_values(values: Array) -> IndexBuffer:
    """Measure a tensor that is not empty."""
    numbers = wide(values)
    flat = (numbers if on_numpy(numbers) else numbers.cpu().numpy()).reshape(-1)
    row = int(values.shape[-1]) if len(values.shape) else 1
    with np.errstate(all="ignore"):
        finite = flat[np.isfinite(flat)]
        fractional = int(np.count_nonzero(~(np.floor(flat) == flat))) + len(flat) - len(finite)
        fractional -= int(np.count_nonzero(np.isnan(flat)))
        steps = np.diff(flat.reshape(-1, row), axis=1) != 1
    wrong = np.flatnonzero(steps)
    first = int(wrong[0]) if len(wrong) else None
    return IndexBuffer(
        elements=len(flat),
        fractional=fractional,
        minimum=float(finite.min()) if len(finite) else 0.0,
        maximum=float(finite.max()) if len(finite) else 0.0,
        out_of_step=None if first is None else first // (row - 1) * row + first % (row - 1) + 1,
        different=len(np.unique(finite)),
    )
