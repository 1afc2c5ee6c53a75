"""Workers that check files side by side: one that dies takes its file with it, and no other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, cast

from msgspec import Struct

from modlint import errors
from modlint.analysis.base import Progress
from modlint.engine.cache.record import unpacked
from modlint.engine.check import FileOutcome
from modlint.engine.jobs.memory import available, needed, size_of
from modlint.engine.jobs.messages import (
    Answer,
    Done,
    Ready,
    Refused,
    Setup,
    Task,
    Told,
    receive,
    send,
)
from modlint.engine.jobs.progress import FileProgress
from modlint.engine.jobs.worker import identity
from modlint.engine.plan import CheckPlan
from modlint.errors import Unavailable, UsageError
from modlint.processors import usable_threads

_BOOT = (
    "import sys; sys.path[:] = __import__('json').loads(sys.argv[1]);"
    " from modlint.engine.jobs.worker import main; main()"
)
_LAST_WORDS = 5.0
"""Seconds that a process is given to end when it says no more."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Finished(Struct, frozen=True):
    """What became of a task.

    Attributes:
        task: what was asked for.
        outcome: what came of it, None where it must be checked here.
        died: how the worker ended, where it did.
        problems: of plugins, that turned up in the worker.
    """

    task: Task
    outcome: FileOutcome | None
    died: str | None = None
    problems: tuple[str, ...] = ()


class Pool:
    """Workers for a run; a context manager, after which none is left.

    Args:
        plan: what is done to each file; the workers make it again.
        jobs: how many work at once, at most.
        cache: the folder of kept outcomes, None where nothing is kept.
        memory: bytes that they may take together; None for what is free.
    """

    def __init__(
        self, plan: CheckPlan, jobs: int, cache: Path | None, memory: int | None = None
    ) -> None:
        self._setup = Setup(plan.configuration, cache, bool(errors.listeners))
        self._identity = identity(plan.registry)
        self._jobs = jobs
        self._memory = available() if memory is None else memory
        self._events: SimpleQueue[tuple[_Process, Any]] = SimpleQueue()
        self._workers: list[_Process] = []
        self._broken = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()

    def start(self, tasks: int) -> None:
        """Have as many workers as there are tasks, as far as that is allowed."""
        while len(self._workers) < min(self._jobs, tasks) and not self._broken:
            threads = max(1, usable_threads() // self._jobs)
            try:
                self._workers.append(_Process(self._setup, threads, self._events))
            except (OSError, ValueError, UnicodeError):
                self._broken = True

    def run(
        self, tasks: Sequence[Task], progress: FileProgress, done: int, files: int
    ) -> Iterator[Finished]:
        """Do tasks, the largest first; gives each when it is done.

        Args:
            tasks: the files.
            progress: of each.
            done: number of files of the run that are finished.
            files: number of files of the run.

        Raises:
            UsageError: a worker found that the check cannot be made.
        """
        pending = sorted(tasks, key=lambda task: -size_of(task.path))
        left = len(pending)
        try:
            while left:
                self.start(left)
                if not self._workers:
                    yield from (Finished(task, None) for task in pending)
                    return
                self._hand_out(pending, progress, done, files)
                finished = self._next()
                if finished is not None:
                    left, done = left - 1, done + 1
                    yield finished
        except KeyboardInterrupt:
            yield from self._received()
            raise

    def _hand_out(self, pending: list[Task], progress: FileProgress, done: int, files: int) -> None:
        for worker in self._workers:
            if not worker.ready or worker.task is not None:
                continue
            task = self._fitting(pending)
            if task is None:
                return
            pending.remove(task)
            worker.begin(task, progress, min(done, files - 1), files)

    def _fitting(self, pending: Sequence[Task]) -> Task | None:
        """The first task that memory is there for; one is always begun."""
        held = [needed(w.task.path) for w in self._workers if w.task is not None]
        for task in pending:
            if not held or sum(held) + needed(task.path) <= self._memory:
                return task
        return None

    def _next(self) -> Finished | None:
        """Take in what a worker says; gives what is finished with it."""
        worker, message = self._events.get()
        match message:
            case Ready():
                worker.ready = message == self._identity
                if not worker.ready:
                    self._drop(worker)
            case Told():
                worker.told(message)
            case Done():
                return worker.finished(message)
            case Refused():
                raise UsageError(message.message)
            case None if worker in self._workers:
                return self._died(worker)
        return None

    def _died(self, worker: _Process) -> Finished | None:
        """What becomes of the task of a worker that is no more."""
        task, how = worker.task, worker.ended()
        self._workers.remove(worker)
        if task is None:
            self._broken |= not worker.ready
            return None
        return Finished(task, None, how)

    def _drop(self, worker: _Process) -> None:
        """Do without a worker that is of another modlint, or has other plugins."""
        worker.end()
        self._workers.remove(worker)
        self._broken = True

    def _received(self) -> Iterator[Finished]:
        """What is finished and was not yet given."""
        while True:
            try:
                worker, message = self._events.get_nowait()
            except Empty:
                return
            if isinstance(message, Done):
                yield worker.finished(message)


class _Process:
    """A worker as the run sees it."""

    def __init__(
        self, setup: Setup, threads: int, events: SimpleQueue[tuple[_Process, Any]]
    ) -> None:
        self.task: Task | None = None
        self.ready = False
        self._tell: Progress | None = None
        self._contexts = ExitStack()
        command = [sys.executable, *subprocess._args_from_interpreter_flags(), "-P"]  # type: ignore[attr-defined]
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter)
            [*command, "-c", _BOOT, json.dumps([os.path.abspath(p) for p in sys.path])],  # noqa: PTH100
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | dict.fromkeys(_THREADS, str(threads)),
            **_apart(),
        )
        self._requests = cast("BinaryIO", self._process.stdin)
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()
        self._send(setup)

    def begin(self, task: Task, progress: FileProgress, index: int, files: int) -> None:
        """Have a file checked."""
        self.task = task
        self._tell = self._contexts.enter_context(progress(task.path, index, files))
        self._send(task)

    def told(self, message: Told) -> None:
        """Pass on how far it is."""
        if self._tell is not None:
            self._tell(message.what, message.done, message.total)

    def finished(self, message: Done) -> Finished:
        """What came of the task."""
        assert self.task is not None  # noqa: S101 (nothing else is finished)
        task, self.task = self.task, None
        self._contexts.close()
        try:
            outcome = None if message.outcome is None else unpacked(message.outcome)
        except Unavailable:
            outcome = None
        return Finished(task, outcome, problems=message.problems)

    def end(self) -> None:
        """End the process."""
        self._contexts.close()
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._requests.close()

    def ended(self) -> str:
        """How the process ended by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WORDS)
        self.end()
        code = self._process.returncode
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            want = " (the system may have wanted memory)" if name == "SIGKILL" else ""
            return f"was ended by {name}{want}"
        return f"ended with exit code {code}"

    def _send(self, message: Struct) -> None:
        with contextlib.suppress(OSError):  # where it is dead, its stream says so
            send(self._requests, message)

    def _listen(self, events: SimpleQueue[tuple[_Process, Any]]) -> None:
        stream = cast("BinaryIO", self._process.stdout)
        with stream:
            while (message := receive(stream, Answer)) is not None:
                events.put((self, message))
        events.put((self, None))


def _apart() -> dict[str, Any]:
    """What keeps Ctrl-C from the workers: the run ends them when it has printed what it has."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
