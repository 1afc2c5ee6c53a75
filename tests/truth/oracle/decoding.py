"""Which channel moves which column, by disturbing many channels at once.

Every channel is in half of the tests (by the bits of its number): a column that depends on one
channel is decoded from them. What stays open (a column that several channels feed) is tested one
channel at a time.
"""

from __future__ import annotations

import torch
from torch import fx

from truth.oracle.disturbing import Changed, Wave

FEW = 8  # channels that are tested one by one at once
Dependence = dict[fx.Node, torch.Tensor]  # consumer → bool, channel × column


def dependence(wave: Wave, count: int) -> Dependence:
    """For each consumer which of `count` channels moves which column."""
    if count <= FEW:
        return _one_by_one(wave, list(range(count)), {}, count)
    bits = (torch.arange(count)[:, None] >> torch.arange(count.bit_length())) & 1
    bits = bits[:, bits.any(0) & (~bits.bool()).any(0)].bool()
    tests = torch.cat([bits, ~bits], 1).T  # test × channel
    results = [wave.run(test.nonzero().flatten().tolist(), i)[0] for i, test in enumerate(tests)]
    found: Dependence = {}
    still: set[int] = set()
    for consumer in {c for result in results for c in result}:
        found[consumer], unsure = _decoded(tests, results, consumer)
        still |= unsure
    return _one_by_one(wave, sorted(still), found, count)


def _decoded(
    tests: torch.Tensor, results: list[Changed], consumer: fx.Node
) -> tuple[torch.Tensor, set[int]]:
    width = next(r[consumer] for r in results if consumer in r)
    seen = torch.stack([r.get(consumer, torch.zeros_like(width)) for r in results])
    candidates = torch.ones(tests.shape[1], seen.shape[1], dtype=torch.bool)
    for test, columns in zip(tests, seen, strict=True):
        candidates[test] &= columns
    sure = torch.zeros_like(candidates)
    for test in tests:
        alone = candidates[test].sum(0) == 1
        sure[test] |= candidates[test] & alone
    open_ = (candidates & ~sure).any(1)
    return sure, set(open_.nonzero().flatten().tolist())


def _one_by_one(wave: Wave, channels: list[int], found: Dependence, count: int) -> Dependence:
    for channel in channels:
        for consumer, moved in wave.run([channel], channel)[0].items():
            if consumer not in found:
                found[consumer] = torch.zeros(count, len(moved), dtype=torch.bool)
            found[consumer][channel] |= moved
    return found
