"""Random numbers that depend on what they are for, and on nothing else.

Every stream is named by integers (the user's seed, the number of a shuffle, the number of a
matrix), so that neither the device, nor the number of workers, nor the file's format changes a
result.
"""

from __future__ import annotations

import torch

from modlint.numerics.tensor.streams import seed_of

_GAMMA, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_PIECE = 1 << 15
"""Keys that are made at a time on the CPU, where they stay in its cache."""


def generator(purpose: str, *numbers: int) -> torch.Generator:
    """The CPU generator seeded by a 64-bit hash of a purpose and its numbers.

    Args:
        purpose: what the numbers are for; different purposes give independent streams.
        numbers: integers of any size, in a fixed order.
    """
    return torch.Generator().manual_seed(seed_of(purpose, *numbers))


def permutation(
    seed: int, shuffle: int, matrix: int, entries: int, device: torch.device | None = None
) -> torch.Tensor:
    """The permutation of one matrix' entries in one shuffle: the same on every device.

    Entries are sorted by random keys. A key's high bits are SplitMix64 (Steele, Lea & Flood, Fast
    splittable pseudorandom number generators, OOPSLA 2014) of the entry's number, its low bits that
    number itself: sorted keys hold the permutation, and no two are equal. Below 2^32 entries at
    least 32 bits are random.

    Args:
        seed: the user's.
        shuffle: number of the shuffle, from 1.
        matrix: number of the matrix in topological order, from 0.
        entries: how many entries it permutes, those of the (in, out) layout in row-major order.
        device: where to make it; the CPU by default.

    Returns:
        (entries,) int64 on the device.
    """
    low = (1 << max(entries - 1, 0).bit_length()) - 1
    start = seed_of("permutation", seed, shuffle, matrix)
    keys = torch.empty(entries, dtype=torch.int64, device=device)
    for piece in torch.split(keys, _PIECE if keys.device.type == "cpu" else max(entries, 1)):
        first = int(piece.storage_offset())
        numbers = torch.arange(first, first + len(piece), device=device)
        torch.mul(numbers, _signed(_GAMMA), out=piece)
        _mix(piece.add_(_signed(start + _GAMMA)))
        piece.bitwise_and_(~low).bitwise_or_(numbers)
    return _sorted(keys).bitwise_and_(low)


def _mix(z: torch.Tensor) -> None:
    """SplitMix64's output function, in place; torch shifts signed integers arithmetically."""
    for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
        z.bitwise_xor_((z >> shift).bitwise_and_((1 << (64 - shift)) - 1)).mul_(_signed(factor))
    z.bitwise_xor_((z >> 31).bitwise_and_((1 << 33) - 1))


def _sorted(keys: torch.Tensor) -> torch.Tensor:
    if keys.device.type != "cpu":
        return keys.sort().values
    keys.numpy().sort()  # several times as fast as torch's own on a CPU
    return keys


def _signed(number: int) -> int:
    """The int64 with the same low 64 bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
