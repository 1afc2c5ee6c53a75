"""The one visit of each tensor: read once, in chunks, for all analyses that accept it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from threading import Event
from typing import Any

from msgspec import Struct, field

from modlint.analysis.base import Chunk, Device, Progress, TensorAnalysis
from modlint.analysis.values import parts_on
from modlint.checkpoint import Tensor
from modlint.engine.bounds import most_viewed
from modlint.engine.workers import Workers
from modlint.errors import Unavailable, UnreadableError
from modlint.processors import usable_threads

_PAST_LIMIT = "the tensors before it view as many bytes as are examined of one file"
_LITTLE = 1 << 15
"""Elements that are measured sooner than handed to another thread."""


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


class _Measuring(Struct, eq=False):
    """A tensor, what has been measured of it or what went wrong, and how much is to come."""

    tensor: Tensor
    analyses: Sequence[TensorAnalysis[Any]] = ()
    so_far: list[Any] = field(default_factory=list)
    missing: int = 1
    failed: bool = False


_Part = tuple[_Measuring, "list[Any] | Exception"]
"""What is measured, and its accumulators after some part of it, or what stopped them."""


def visit(
    tensors: Collection[Tensor],
    analyses: Sequence[TensorAnalysis[Any]],
    device: Callable[[], Device],
    progress: Progress,
    threads: int | None = None,
) -> Visit:
    """Visit each tensor once, in the file's order, and let it go.

    Tensors are read here, and measured on several threads: large ones in parts. What comes out does
    not depend on the number of threads.

    Args:
        tensors: all of a file.
        analyses: what to compute of each, where they accept it.
        device: chooses where to compute, once there is something to compute.
        progress: told of each tensor.
        threads: how many measure; None for as many as this process may use.
    """
    found = Visit({analysis: {} for analysis in analyses})
    if not analyses:
        return found
    most, viewed = most_viewed(tensors), 0
    with Workers[_Part](threads or usable_threads(), partial(_take, found)) as workers:
        for done, tensor in enumerate(tensors):
            progress("examining tensors", done, len(tensors))
            viewed += tensor.nbytes
            if viewed > most:
                _put(_Measuring(tensor), Unavailable(_PAST_LIMIT), workers)
            else:
                _begin(tensor, analyses, device, workers)
    return found


def _begin(
    tensor: Tensor,
    analyses: Sequence[TensorAnalysis[Any]],
    device: Callable[[], Device],
    workers: Workers[_Part],
) -> None:
    """Read a tensor and have it measured."""
    accepting = [analysis for analysis in analyses if _accepts(analysis, tensor, workers)]
    if not accepting:
        if not tensor.dtype.is_numeric:
            reason = f"elements of type {tensor.dtype.name} are not examined"
            _put(_Measuring(tensor), Unavailable(reason), workers)
        return
    holds = tensor.nbytes if tensor.storage.offset is None else 0
    workers.make_room(holds)
    try:
        where = device()
        parts = parts_on(where, tensor)
    except Exception as error:  # what a storage reads may raise anything
        _put(_Measuring(tensor), error, workers)
        return
    apart = all(analysis.in_parts for analysis in accepting)
    shares = [[part] for part in parts] if apart and parts else [parts]
    measuring = _Measuring(tensor, accepting, missing=len(shares))
    here = where != "cpu" or tensor.elements < _LITTLE
    for share in shares:
        work = partial(_measure, measuring, share, workers.stopped)
        workers.put(work, owner=measuring, holds=holds, here=here)


def _accepts(analysis: TensorAnalysis[Any], tensor: Tensor, workers: Workers[_Part]) -> bool:
    try:
        return analysis.accepts(tensor)
    except Exception as error:  # a plugin's analysis may raise anything
        _put(_Measuring(tensor), error, workers)
        return False


def _put(measuring: _Measuring, error: Exception, workers: Workers[_Part]) -> None:
    workers.put(lambda: (measuring, error), here=True)


def _measure(measuring: _Measuring, parts: Iterable[Iterable[Chunk]], stopped: Event) -> _Part:
    """Feed parts of one tensor to the accumulators of all analyses."""
    analyses, tensor = measuring.analyses, measuring.tensor
    so_far: list[Any] = []
    try:
        for part in parts:
            new = [
                so_far[i] if so_far and not analysis.in_parts else analysis.begin(tensor)
                for i, analysis in enumerate(analyses)
            ]
            for chunk in part:
                if stopped.is_set():
                    break
                for accumulator in new:
                    accumulator.add(chunk)
            so_far = _joined(so_far, new)
        return measuring, so_far or [analysis.begin(tensor) for analysis in analyses]
    except Exception as error:  # a plugin's analysis may raise anything
        return measuring, error


def _joined(so_far: list[Any], later: list[Any]) -> list[Any]:
    """What accumulators have seen together; one that goes on in both is the same one."""
    for before, after in zip(so_far, later, strict=False):
        if before is not after:
            before.join(after)
    return so_far or later


def _take(found: Visit, part: _Part) -> None:
    """Join what was measured of a tensor to what was before; keep the results of a whole one."""
    measuring, measured = part
    measuring.missing -= 1
    try:
        if isinstance(measured, Exception):
            raise measured
        measuring.so_far = _joined(measuring.so_far, measured)
        if not measuring.missing and not measuring.failed:
            results = [accumulator.end() for accumulator in measuring.so_far]
            for analysis, result in zip(measuring.analyses, results, strict=True):
                found.results[analysis][measuring.tensor.name] = result
    except Exception as error:  # a plugin's analysis may raise anything
        if not measuring.failed:
            _note(error, measuring.tensor, found)
        measuring.failed = True


def _note(error: Exception, tensor: Tensor, found: Visit) -> None:
    if isinstance(error, Unavailable | UnreadableError):
        found.unexamined[tensor.name] = str(error)
        return
    reason = f"internal error: {type(error).__name__}: {error}"
    found.internal_errors.append(f"tensor {tensor.name}: {reason}")
    found.unexamined[tensor.name] = reason
