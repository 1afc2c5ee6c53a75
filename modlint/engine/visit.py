"""The one visit of each tensor: read once, in chunks, for all analyses that accept it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from msgspec import Struct, field

from modlint.analysis.base import Device, Progress, TensorAnalysis
from modlint.analysis.values import chunks_on
from modlint.checkpoint import Tensor
from modlint.engine.bounds import most_viewed
from modlint.errors import Unavailable, UnreadableError

_PAST_LIMIT = "the tensors before it view as many bytes as are examined of one file"


class Visit(Struct):
    """What a visit of tensors found.

    Attributes:
        results: by analysis and tensor name.
        unexamined: by tensor name, why it could not be examined.
        internal_errors: what went wrong in an analysis.
    """

    results: dict[TensorAnalysis[Any], dict[str, Any]]
    unexamined: dict[str, str] = field(default_factory=dict)
    internal_errors: list[str] = field(default_factory=list)


def visit(
    tensors: Collection[Tensor],
    analyses: Sequence[TensorAnalysis[Any]],
    device: Callable[[], Device],
    progress: Progress,
) -> Visit:
    """Visit each tensor once, in the file's order, and let it go.

    Args:
        tensors: all of a file.
        analyses: what to compute of each, where they accept it.
        device: chooses where to compute, once there is something to compute.
        progress: told of each tensor.
    """
    found = Visit({analysis: {} for analysis in analyses})
    if not analyses:
        return found
    most, viewed = most_viewed(tensors), 0
    for done, tensor in enumerate(tensors):
        progress("examining tensors", done, len(tensors))
        viewed += tensor.nbytes
        if viewed > most:
            found.unexamined[tensor.name] = _PAST_LIMIT
            continue
        accepting = [analysis for analysis in analyses if _accepts(analysis, tensor, found)]
        if accepting:
            _measure(tensor, accepting, device, found)
        elif tensor.name not in found.unexamined:
            reason = f"elements of type {tensor.dtype.name} are not examined"
            found.unexamined[tensor.name] = reason
    return found


def _accepts(analysis: TensorAnalysis[Any], tensor: Tensor, found: Visit) -> bool:
    try:
        return analysis.accepts(tensor)
    except Exception as error:  # a plugin's analysis may raise anything
        _record(error, tensor, found)
        return False


def _measure(
    tensor: Tensor,
    analyses: Sequence[TensorAnalysis[Any]],
    device: Callable[[], Device],
    found: Visit,
) -> None:
    """Feed one tensor's chunks to the accumulators of all analyses."""
    try:
        accumulators = [analysis.begin(tensor) for analysis in analyses]
        for chunk in chunks_on(device(), tensor):
            for accumulator in accumulators:
                accumulator.add(chunk)
        for analysis, accumulator in zip(analyses, accumulators, strict=True):
            found.results[analysis][tensor.name] = accumulator.end()
    except (Unavailable, UnreadableError) as error:
        found.unexamined[tensor.name] = str(error)
    except Exception as error:  # a plugin's analysis may raise anything
        _record(error, tensor, found)


def _record(error: Exception, tensor: Tensor, found: Visit) -> None:
    reason = f"internal error: {type(error).__name__}: {error}"
    found.internal_errors.append(f"tensor {tensor.name}: {reason}")
    found.unexamined[tensor.name] = reason
