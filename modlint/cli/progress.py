"""Progress on stderr: one line that appears when a run takes over a second, and leaves no trace."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypedDict

from msgspec import Struct, field

from modlint.analysis.base import Progress
from modlint.engine.jobs.progress import FileProgress
from modlint.text import printable, wants_colour

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

DELAY = 1.0
"""Seconds that a run may take in silence."""

NAME_LIMIT = 32


@contextmanager
def progress_on_stderr(*, enabled: bool) -> Iterator[FileProgress]:
    """The progress of a run; without a terminal, or when not `enabled`, it is silent."""
    with Display(sys.stderr, visible=enabled and _draws(sys.stderr)) as display:
        yield display.file


def _draws(stream: TextIO) -> bool:
    """Whether a line that comes and goes suits the stream.

    pre-commit and CI services give a terminal to get colours, and keep all that is written to it.
    """
    kept = any(os.environ.get(name) for name in ("PRE_COMMIT", "CI"))
    return stream.isatty() and not kept and os.environ.get("TERM") != "dumb"


class Step(Struct, frozen=True):
    """What is under way.

    Attributes:
        file: the file, as the line names it.
        what: what is being done to it.
        done: steps done.
        total: steps in all, None where that is not known.
        since: when it began, by the monotonic clock, in seconds.
    """

    file: str = ""
    what: str = "reading"
    done: int = 0
    total: int | None = None
    since: float = field(default_factory=time.monotonic)

    def at(self, what: str, done: int, total: int) -> Step:
        """The step that follows; its clock starts anew when something else is done."""
        since = self.since if what == self.what else time.monotonic()
        return Step(self.file, what, done, total, since)

    def estimate(self) -> str:
        """About how long the rest takes, at the pace so far; "" where it is unknown."""
        if not self.total or not self.done:
            return ""
        left = (time.monotonic() - self.since) / self.done * (self.total - self.done)
        return f"about {left:.0f} s left" if left < 90 else f"about {left / 60:.0f} min left"


class Display:
    """A line that tells the file, what is being done, and about how long it will take.

    A timer shows it, so that it appears on time even while a long step is under way; rich is
    imported only then.

    Args:
        stream: where to draw.
        visible: whether to draw at all.
        delay: seconds before the line appears.
    """

    def __init__(self, stream: TextIO, *, visible: bool, delay: float = DELAY) -> None:
        self._stream = stream
        self._step = Step()
        self._bar: Bar | None = None
        self._closed = not visible
        self._lock = threading.Lock()
        self._timer = threading.Timer(delay, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Display:
        if not self._closed:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._bar is not None:
                self._bar.stop()

    @contextmanager
    def file(self, path: Path, index: int, files: int) -> Iterator[Progress]:
        """The progress of work on one file, the `index`-th of `files`, counted from 0.

        Of files that are checked at once the line shows the one that last told of itself.
        """
        name = printable(path.name, NAME_LIMIT)
        step = Step(name if files == 1 else f"{index + 1}/{files} {name}")
        self._draw(step)

        def tell(what: str, done: int, total: int) -> None:
            nonlocal step
            step = step.at(what, done, total)
            self._draw(step)

        yield tell

    def _draw(self, step: Step) -> None:
        self._step = step
        if self._bar is not None:
            task = self._bar.tasks[0]
            task.total = step.total  # update() takes None for "as before"
            self._bar.update(task.id, **_shown(step))

    def _show(self) -> None:
        bar = _new_bar(self._stream)
        with self._lock:
            if not self._closed:
                bar.add_task(**_shown(self._step))
                self._bar = bar
                bar.start()


class _Shown(TypedDict):
    description: str
    completed: int
    total: int | None
    steps: str
    estimate: str


def _shown(step: Step) -> _Shown:
    return _Shown(
        description=f"{step.file}: {step.what}",
        completed=step.done,
        total=step.total,
        steps=f"{step.done:,}/{step.total:,}" if step.total else "",
        estimate=step.estimate(),
    )


def _new_bar(stream: TextIO) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(file=stream, no_color=not wants_colour(stream), markup=False)
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[steps]}"),
        TextColumn("{task.fields[estimate]}"),
        console=console,
        transient=True,
        redirect_stdout=False,
    )
