"""A process that checks one file after another, as the run that started it asks.

It reads requests on stdin and answers on what was stdout; what else writes there goes to stderr.
When the run ends, however it does, so does this process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from msgspec.structs import replace

from modlint import errors
from modlint.engine.cache.checks import Cache, CachedChecks
from modlint.engine.cache.record import packed
from modlint.engine.check import FileOutcome, check_file
from modlint.engine.jobs.messages import (
    Done,
    Ready,
    Refused,
    Request,
    Setup,
    Task,
    Told,
    receive,
    send,
)
from modlint.engine.plan import CheckPlan, plan_check
from modlint.engine.registry import Registry, load_registry
from modlint.errors import Unavailable, UsageError

_EVERY = 0.2
"""Seconds between two messages on progress."""


def main() -> None:
    """Serve until the run ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _rather_this_process()
    requests: SimpleQueue[Request] = SimpleQueue()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    setup = requests.get()
    assert isinstance(setup, Setup)  # noqa: S101 (it comes first)
    if setup.debug:
        _show_tracebacks()
    try:
        worker = Worker(setup, answers)
        send(answers, identity(worker.registry))
        while True:
            task = requests.get()
            assert isinstance(task, Task)  # noqa: S101 (all that follows)
            worker.check(task)
    except UsageError as error:
        send(answers, Refused(str(error)))


def identity(registry: Registry) -> Ready:
    """What must be the same here and there."""
    plugins = tuple((p.module, p.version, p.problem or "") for p in registry.plugins)
    return Ready(plugins, tuple(sorted(registry.rules)))


class Worker:
    """What checks files for a run.

    Args:
        setup: what the run asks for.
        answers: where to answer.
    """

    def __init__(self, setup: Setup, answers: BinaryIO) -> None:
        self._answers = answers
        self._told = 0.0
        self.registry = load_registry()
        cache = _opened(setup)
        with contextlib.nullcontext() if cache is None else cache.planned:
            self._plan = plan_check(setup.configuration, self.registry)
        self._checks = None
        if cache is not None:
            with contextlib.suppress(Unavailable):
                self._checks = CachedChecks(self._plan, cache)

    def check(self, task: Task) -> None:
        """Check a file and answer."""
        plan = replace(self._plan, structure_only=task.structure_only)
        try:
            data = packed(self._outcome(task.path, plan))
        except Unavailable:
            data = None
        send(self._answers, Done(data, tuple(self.registry.problems)))

    def _outcome(self, path: Path, plan: CheckPlan) -> FileOutcome:
        if self._checks is None:
            return check_file(path, plan, self._tell)
        self._checks.forget()
        known = self._checks.known(path, plan, hashing=True)
        return known or self._checks.check(path, plan, self._tell)

    def _tell(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told > _EVERY:
            self._told = now
            send(self._answers, Told(what, done, total))


def _opened(setup: Setup) -> Cache | None:
    if setup.cache is None:
        return None
    try:
        return Cache.open(setup.cache, paranoid=setup.configuration.paranoid)
    except Unavailable:
        return None


def _listen(requests: SimpleQueue[Request]) -> None:
    """Pass on what the run asks for; the end of the run is the end of this process."""
    stream = os.fdopen(0, "rb", closefd=False)
    while (message := receive(stream, Request)) is not None:
        requests.put(message)
    os._exit(0)


def _rather_this_process() -> None:
    """Have the system end this process sooner than the run, where memory is short."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _show_tracebacks() -> None:
    import traceback

    errors.listeners[:] = [traceback.print_exception]
