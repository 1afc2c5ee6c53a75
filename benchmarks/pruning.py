"""Magnitude pruning by a cubic schedule, as the published networks were pruned.

Zhu and Gupta, To prune, or not to prune, arXiv 1710.01878, section 3; Filan et al., arXiv
2103.03386: sparsity 0.5 to 0.9 in each layer, raised every 10 steps.
"""

from __future__ import annotations

import torch
from torch import nn

FIRST, LAST = 0.5, 0.9
EVERY = 10


class Pruner:
    """Keeps the smallest weights of each matrix at zero, more of them as training goes on.

    Args:
        weights: the matrices, pruned in place from the start.
        steps: optimiser steps after which the last sparsity is reached.
    """

    def __init__(self, weights: list[nn.Parameter], steps: int) -> None:
        self._weights, self._steps, self._done = weights, steps, 0
        self._masks = [_mask(weight, FIRST) for weight in weights]
        self._apply()

    def step(self) -> None:
        """Call after each step of the optimiser."""
        self._done += 1
        if self._done % EVERY == 0:
            wanted = sparsity(self._done / self._steps)
            self._masks = [_mask(weight, wanted) for weight in self._weights]
        self._apply()

    def _apply(self) -> None:
        with torch.no_grad():
            for weight, mask in zip(self._weights, self._masks, strict=True):
                weight.mul_(mask)


def sparsity(progress: float) -> float:
    """The share of zeros after a share `progress` of the steps."""
    return LAST + (FIRST - LAST) * (1 - progress) ** 3


def _mask(weight: nn.Parameter, zeros: float) -> torch.Tensor:
    """1 for the largest magnitudes, 0 for a share `zeros` of all entries."""
    magnitudes = weight.detach().abs().flatten()
    smallest = magnitudes.topk(round(zeros * len(magnitudes)), largest=False, sorted=False).indices
    return torch.ones_like(magnitudes).index_fill_(0, smallest, 0).view_as(weight)
