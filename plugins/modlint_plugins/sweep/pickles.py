"""Pickles in a run of bytes: at its beginning, and behind one another."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.errors import UnreadableError
from modlint_plugins.pickling.limits import Budget, Limits
from modlint_plugins.pickling.opcodes.table import has_header
from modlint_plugins.pickling.scan import Interpretation, interpret, is_cut, is_plausible
from modlint_plugins.pickling.stacked import STACKED, is_legacy
from modlint_plugins.sweep.run import Run

_PERSID = ord("P")
"""Also the first byte of a zip archive; no plain unpickler goes beyond a persistent id."""
_TRIAL = Limits(opcodes=10_000, marks=1000)
"""For the bytes of tensors, which no loader unpickles."""


def chain(run: Run, at: int, budget: Budget, *, storage: bool) -> Iterator[Interpretation]:
    """The pickles that follow one another from an offset on.

    Args:
        run: the bytes.
        at: offset of the first one.
        budget: what interpreting may still cost.
        storage: whether the bytes are a tensor's: then text that nothing uses is no pickle.

    Raises:
        UnreadableError: the file holds more pickles than are interpreted.
    """
    first, number = at, 0
    while at < len(run.view):
        if budget.streams >= budget.limits.streams:
            raise UnreadableError(f"it holds more than {budget.limits.streams:,} pickles")
        headed = has_header(run.view, at)
        if run.view[at] == _PERSID:
            return
        found = interpret(
            run.view,
            at,
            member=run.member,
            budget=Budget(_TRIAL) if storage and not headed else budget,
            origin=run.origin,
            joblib=True,
        )
        stacked = not storage and number < STACKED
        if not _is_meant(found, run, headed, storage) and not (
            stacked and is_legacy(run.view[first:])
        ):
            return
        yield found
        number += 1
        if found.trace.incomplete is not None:
            return
        at = found.end


def _is_meant(found: Interpretation, run: Run, headed: bool, storage: bool) -> bool:
    """Whether bytes were meant as a pickle.

    Two bytes of a header may be anything's: what breaks off must name a global. Without a header
    it must use what it names.
    """
    if headed:
        whole = found.trace.incomplete is None or found.limited
        return whole or bool(found.trace.uses)
    if is_cut(found, run.view) and not storage:
        return True
    used = any(use.use != "pushed" for use in found.trace.uses)
    return used and is_plausible(found, run.view)
