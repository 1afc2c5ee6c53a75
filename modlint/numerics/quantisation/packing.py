"""Several codes in a byte or a word, and numbers of fewer than eight bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modlint.numerics.tensor.arrays import wide

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)
"""Values of the sixteen codes of OCP FP4 (E2M1)."""


def unpack(
    packed: NDArray[Any], bits: int, count: int, *, high_first: bool = False
) -> NDArray[np.uint8]:
    """Codes that lie one behind the other along the last axis, low bits first.

    Args:
        packed: integers of any size, read as the bytes that they are (little endian).
        bits: of a code; one may straddle bytes and words.
        count: how many to give; the last bits may be padding.
        high_first: whether the first of two codes is the high half of their byte.
    """
    contiguous = np.ascontiguousarray(packed)
    octets = contiguous.view(np.uint8).reshape(*packed.shape[:-1], -1)
    if bits == 8:
        return np.asarray(octets[..., :count], np.uint8)
    if bits in (1, 2, 4):
        per = 8 // bits
        codes = np.empty((*octets.shape, per), np.uint8)
        for i in range(per):
            shift = bits * (per - 1 - i if high_first else i)
            codes[..., i] = (octets >> shift) & ((1 << bits) - 1)
        return codes.reshape(*octets.shape[:-1], -1)[..., :count]
    loose = np.unpackbits(octets, axis=-1, bitorder="little")[..., : count * bits]
    weights = (1 << np.arange(bits)).astype(np.uint8)
    weighed = loose.reshape(*loose.shape[:-1], count, bits) * weights
    return np.asarray(weighed.sum(-1), np.uint8)


def floats(values: NDArray[Any]) -> NDArray[np.float32]:
    """Elements in float32; bytes that stand for powers of two are not told apart here."""
    if values.dtype == np.float32:
        return values
    with np.errstate(all="ignore"):
        return wide(values).astype(np.float32)  # type: ignore[no-any-return]


def exponents(codes: NDArray[Any]) -> NDArray[np.float32]:
    """Powers of two, of OCP E8M0 in bytes: 2^(code − 127), of 255 NaN."""
    powers = np.ldexp(np.float32(1), np.minimum(codes, 254).astype(np.int32) - 127)
    return np.where(codes == 255, np.float32(np.nan), powers)


def scales(values: NDArray[Any]) -> NDArray[np.float32]:
    """Scales in float32: bytes are exponents of E8M0."""
    return exponents(values) if values.dtype == np.uint8 else floats(values)


def signed(codes: NDArray[np.uint8], bits: int) -> NDArray[np.int16]:
    """Codes of two's complement."""
    wide_codes = codes.astype(np.int16)
    return np.where(wide_codes >> (bits - 1), wide_codes - (1 << bits), wide_codes).astype(np.int16)
