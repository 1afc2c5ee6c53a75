"""Random numbers that depend on what they are for, and on nothing else.

Every stream is named by integers (the user's seed, the number of a shuffle, the number of a
matrix) and drawn on the CPU, so that neither the device, nor the number of workers, nor the file's
format changes a result.
"""

from __future__ import annotations

import hashlib

import torch


def generator(purpose: str, *numbers: int) -> torch.Generator:
    """The CPU generator seeded by a 64-bit hash of a purpose and its numbers.

    Args:
        purpose: what the numbers are for; different purposes give independent streams.
        numbers: integers of any size, in a fixed order.
    """
    text = "\0".join((purpose, *map(str, numbers)))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def permutation(seed: int, shuffle: int, matrix: int, entries: int) -> torch.Tensor:
    """The permutation of one matrix' entries in one shuffle.

    Args:
        seed: the user's.
        shuffle: number of the shuffle, from 1.
        matrix: number of the matrix in topological order, from 0.
        entries: how many entries it permutes, those of the (in, out) layout in row-major order.

    Returns:
        (entries,) int64 on the CPU.
    """
    return torch.randperm(entries, generator=generator("permutation", seed, shuffle, matrix))
