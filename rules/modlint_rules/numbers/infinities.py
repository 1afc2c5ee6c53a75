"""Infinities that mean what they are: masks, open ranges, bounds in a graph."""

from __future__ import annotations

from modlint.analysis.onnx_check import OnnxGraph
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.results.statistics import Statistics

_MASK_NAMES = ("mask", "alibi")
_PARAMETERS = ("weight", "kernel", "bias", "gamma", "beta", "running_mean", "running_var")
_RECURRENT = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_BEST = ("best", "kth_value")
_NO_BOUND = {"min_val": "+inf", "max_val": "-inf", "low": "-inf", "high": "+inf"}


def need_not_be_finite(tensor: Tensor, statistics: Statistics, checkpoint: Checkpoint) -> bool:
    """Whether it is of a kind whose infinities are meant."""
    kinds = (_is_mask, _is_open_range, _is_best_so_far)
    if any(meant(tensor, statistics) for meant in kinds):
        return True
    return isinstance(checkpoint.graph, OnnxGraph) and _is_bound(tensor, statistics)


def non_finite_kinds(statistics: Statistics) -> dict[str, int]:
    """By what an element is that is not finite, how many there are."""
    return {
        "NaN": statistics.nan,
        "+inf": statistics.positive_infinite,
        "-inf": statistics.negative_infinite,
    }


def _is_mask(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is an additive attention mask: −inf forbids, what is allowed adds 0 or less."""
    if statistics.non_finite != statistics.negative_infinite or statistics.maximum is None:
        return False
    last = _last(tensor)
    if statistics.minimum == statistics.maximum == 0:
        return last not in _PARAMETERS and not last.startswith(_RECURRENT)
    return statistics.maximum <= 0 and last.endswith(_MASK_NAMES)


def _is_open_range(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is one side of a range that leaves elements unbounded, or has seen no data."""
    expected = _NO_BOUND.get(_last(tensor).removesuffix("s"))
    return expected is not None and non_finite_kinds(statistics)[expected] == statistics.non_finite


def _is_best_so_far(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is the best score that a callback has seen, infinite before there is one."""
    state = tensor.role is Role.TRAINING_STATE
    one = state and statistics.elements == 1 and not statistics.nan
    return one and _last(tensor).startswith(_BEST)


def _is_bound(tensor: Tensor, statistics: Statistics) -> bool:
    """Whether it is the infinity that a graph fills with, or begins a maximum with."""
    one = statistics.elements == 1 and not statistics.nan
    return one and not _last(tensor).startswith(_PARAMETERS)


def _last(tensor: Tensor) -> str:
    return tensor.name.rpartition(".")[2].lower()
