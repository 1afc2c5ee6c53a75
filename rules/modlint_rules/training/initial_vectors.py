"""Whether biases and the factors of norms are still initial: constant, or within their bound."""

from __future__ import annotations

import math

from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.errors import Unavailable
from modlint.results.statistics import Statistics
from modlint.rule import Examination

_PARAMETERS = ("weight", "bias", "gamma", "beta", "scale")
_BIAS = {"weight": "bias", "weight_orig": "bias", "in_proj_weight": "in_proj_bias"}
_TOLERANCE = 1.004
"""For biases that are stored in 16 bits."""


def bias_of(weight: Tensor, checkpoint: Checkpoint) -> Tensor | None:
    """The bias that belongs to a weight by its name."""
    module, dot, last = weight.name.rpartition(".")
    name = _BIAS.get(last, last.replace("weight_", "bias_") if "weight_" in last else "")
    bias = checkpoint.tensors.get(f"{module}{dot}{name}") if name else None
    return bias if bias is not None and len(bias.shape) == 1 and bias.elements > 1 else None


def initial_bias(weight: Tensor, statistics: Statistics) -> bool:
    """Whether a bias is constant, or uniform within ±1/√fan-in as PyTorch draws it."""
    low, high, std = statistics.minimum, statistics.maximum, statistics.std
    if low is None or high is None or std is None or low == high:
        return True
    fans = {math.prod(weight.shape[1:]), weight.elements // weight.shape[1], weight.shape[0] // 4}
    bounds = (1 / math.sqrt(max(fan, 1)) for fan in fans)
    return any(_fits(max(-low, high), std, statistics.elements, bound) for bound in bounds)


def _fits(largest: float, std: float, elements: int, bound: float) -> bool:
    """Whether the largest and the deviation are those of so many uniform numbers."""
    spread = abs(std * math.sqrt(3) / bound - 1)
    near = bound * (1 - 12 / elements) <= largest <= bound * _TOLERANCE
    return near and spread <= 4 * math.sqrt(0.2 / elements)


def initial_share(section: str, file: Examination, analysis: TensorStatistics) -> float:
    """Share of a section's biases and factors that are constant; 1 where it has none."""
    constant = total = 0
    for tensor in file.checkpoint.tensors.values():
        last = tensor.key.rpartition(".")[2]
        wanted = tensor.role is Role.WEIGHT and last in _PARAMETERS and len(tensor.shape) == 1
        if not wanted or tensor.section != section or tensor.elements < 2:
            continue
        try:
            statistics = file.result(analysis, tensor)
        except Unavailable:
            continue
        total += 1
        constant += statistics.minimum == statistics.maximum
    return constant / total if total else 1.0
