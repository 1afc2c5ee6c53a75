"""The values of quantised weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.numerics.inputs import Array, Device
from modlint.numerics.quantisation.formulas import Rows, rows_of
from modlint.numerics.quantisation.packing import signed, unpack
from modlint.numerics.tensor.values import values_of
from modlint.results.quantisation import QuantisedWeight

BLOCK = 1 << 22
"""Elements that are computed at a time: 16 MiB."""
MOST = 1 << 28
"""Elements of one weight that are held at once: 1 GiB."""


def rows(weight: QuantisedWeight) -> Rows:
    """The function that gives rows `start` to `stop` of a weight: (rows, columns) in float32.

    Raises:
        Unavailable: how its codes become values is not known, or a part cannot be read.
        UnreadableError: the bytes of a part cannot be read.
    """
    if weight.layout is None:
        raise Unavailable(weight.reason or f"codes of {weight.scheme} are not computed")
    parts = {role: elements_of(tensor) for role, tensor in weight.parts.items()}
    if "state" in weight.parts:
        parts |= _nested(weight.parts["state"])
    with quiet():
        give = rows_of(parts, weight.layout)

    def quietly(start: int, stop: int) -> NDArray[np.float32]:
        with quiet():
            return give(start, stop)

    return quietly


def blocks(weight: QuantisedWeight, elements: int = BLOCK) -> Iterator[NDArray[np.float32]]:
    """All rows in order, about `elements` elements at a time.

    Raises:
        Unavailable: as `rows` does.
        UnreadableError: as `rows` does.
    """
    give, layout = rows(weight), weight.layout
    if layout is None or not math.prod(layout.shape):
        return
    step = max(1, elements // layout.columns)
    for start in range(0, layout.rows, step):
        yield give(start, min(start + step, layout.rows))


def whole(weight: QuantisedWeight) -> NDArray[np.float32]:
    """All values at once, in the weight's shape.

    Raises:
        Unavailable: as `rows` does.
        UnreadableError: as `rows` does.
    """
    give, layout = rows(weight), weight.layout
    assert layout is not None  # noqa: S101 (rows would have raised)
    values = np.empty((layout.rows, layout.columns), np.float32)
    step = max(1, BLOCK // max(1, layout.columns))
    for start in range(0, layout.rows, step):
        stop = min(start + step, layout.rows)
        values[start:stop] = give(start, stop)
    return values.reshape(layout.shape)


def on(device: Device, weight: QuantisedWeight) -> Array:
    """All values at once on a device.

    Raises:
        Unavailable: as `rows` does, or there are more than `MOST` of them.
        UnreadableError: as `rows` does.
    """
    if math.prod(weight.shape) > MOST:
        raise Unavailable(f"more than {MOST:,} dequantised elements are not computed at once")
    values = whole(weight)
    values.flags.writeable = False
    if isinstance(device, str):
        return values
    import torch

    return torch.from_numpy(values.copy()).to(device)


def elements_of(tensor: Tensor) -> NDArray[Any]:
    """A part's elements as they are stored; those of four bits one a byte.

    Raises:
        Unavailable: they are none to compute with.
        UnreadableError: the bytes cannot be read.
    """
    if tensor.dtype.name in ("int4", "uint4") and tensor.contiguous and not tensor.storage_offset:
        octets = np.frombuffer(tensor.storage.read()[: tensor.nbytes], np.uint8)
        codes = unpack(octets, 4, tensor.elements).reshape(tensor.shape)
        return signed(codes, 4) if tensor.dtype.kind == "int" else codes
    array: NDArray[Any] = values_of(tensor, "cpu")
    return array


@contextmanager
def quiet() -> Iterator[None]:
    """Numbers of files that nobody vouches for: no warnings, and no error but our own."""
    try:
        with np.errstate(all="ignore"):
            yield
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise Unavailable(f"its parts do not fit together: {error}") from error


def _nested(state: Tensor) -> dict[str, NDArray[Any]]:
    """What the state of bitsandbytes says of scales that are quantised themselves."""
    import json

    try:
        stated = json.loads(bytes(elements_of(state).reshape(-1)))
        numbers = (stated.get("nested_blocksize", 256), stated.get("nested_offset", 0.0))
        return dict(zip(("nested_block", "nested_offset"), map(np.asarray, numbers), strict=True))
    except (ValueError, AttributeError, RecursionError) as error:
        raise Unavailable(f"{state.name} is no JSON: {error}") from error
