"""The check of many files: those that are known, those that are checked here, and by workers."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from modlint.engine.cache.checks import CachedChecks
from modlint.engine.check import FileOutcome, check_file, unchecked
from modlint.engine.jobs.memory import size_of
from modlint.engine.jobs.messages import Task
from modlint.engine.jobs.pool import Finished, Pool
from modlint.engine.jobs.progress import FileProgress
from modlint.engine.plan import CheckPlan
from modlint.file_names import is_index
from modlint.settings.deep import is_asked_for
from modlint.verdict import Cost

_PER_FILE, _PER_BYTE, _DEEP = 0.02, 2e-9, 1.0
"""Seconds that a check takes, about: of any file, for each byte, and for deep rules."""
_WORTH = 2.0
"""Seconds of work that workers are started for: it takes them half a second."""


def in_order(files: Sequence[Path]) -> list[Path]:
    """Files in the order of their check, indexes first: with them their shards are judged."""
    return sorted(files, key=lambda path: not is_index(path))


class Checking:
    """Checks files one by one, or several at once; what comes of each is the same.

    Args:
        plan: what is done to each.
        kept: earlier outcomes, None where nothing is kept.
        cache: the folder that they are in.
        progress: of each.

    Attributes:
        problems: of plugins, that turned up in workers.
    """

    def __init__(
        self, plan: CheckPlan, kept: CachedChecks | None, cache: Path | None, progress: FileProgress
    ) -> None:
        self._plan = plan
        self._of_shards = replace(plan, structure_only=True)
        self._kept = kept
        self._cache = cache if kept is not None else None
        self._progress = progress
        self._shards: set[str] = set()
        self._done = self._files = 0
        self.problems: list[str] = []

    def outcomes(self, files: Sequence[Path]) -> Generator[tuple[Path, FileOutcome], None, None]:
        """Check files; gives each with what came of it, in no particular order.

        Raises:
            UsageError: the check cannot be made.
        """
        self._files = len(files)
        indexes = [path for path in files if is_index(path)]
        others = [path for path in files if not is_index(path)]
        with Pool(self._plan, self._plan.configuration.jobs, self._cache) as pool:
            for paths in (indexes, others):
                for path, outcome in self._of(paths, pool):
                    self._done += 1
                    folder = path.parent
                    self._shards |= {
                        os.path.normpath(folder / shard) for shard in outcome.report.shards or ()
                    }
                    yield path, outcome
        if self._kept is not None and self._kept.written:
            self._kept.prune()

    def _of(self, paths: Sequence[Path], pool: Pool) -> Iterator[tuple[Path, FileOutcome]]:
        tasks = [Task(path, os.path.normpath(path) in self._shards) for path in paths]
        unknown = []
        if self._kept is not None:
            self._kept.forget()
        for task in tasks:
            known = self._known(task, hashing=False)
            if known is None:
                unknown.append(task)
            else:
                yield task.path, known
        if self._pays(unknown):
            yield from self._by_workers(unknown, pool)
        else:
            yield from ((task.path, self._here(task)) for task in unknown)

    def _known(self, task: Task, *, hashing: bool) -> FileOutcome | None:
        if self._kept is None:
            return None
        return self._kept.known(task.path, self._plan_of(task), hashing=hashing)

    def _plan_of(self, task: Task) -> CheckPlan:
        return self._of_shards if task.structure_only else self._plan

    def _here(self, task: Task) -> FileOutcome:
        """Check a file in this process."""
        plan = self._plan_of(task)
        with self._progress(task.path, min(self._done, self._files - 1), self._files) as progress:
            if self._kept is None:
                return check_file(task.path, plan, progress)
            self._kept.forget()
            known = self._kept.known(task.path, plan, hashing=True)
            return known or self._kept.check(task.path, plan, progress)

    def _pays(self, tasks: Sequence[Task]) -> bool:
        """Whether there is so much to do that workers are done sooner, their start included."""
        if self._plan.configuration.jobs < 2 or len(tasks) < 2:
            return False
        each = _PER_FILE + (_DEEP if self._is_deep() else 0)
        seconds = sum(each + _PER_BYTE * size_of(task.path) for task in tasks)
        return seconds > _WORTH

    def _is_deep(self) -> bool:
        settings = self._plan.configuration.settings
        deep = [rule for rule in self._plan.rules.values() if rule.cost is Cost.DEEP]
        portrays = self._plan.configuration.portrays
        return bool(deep) and (portrays or any(is_asked_for(rule, settings) for rule in deep))

    def _by_workers(self, tasks: Sequence[Task], pool: Pool) -> Iterator[tuple[Path, FileOutcome]]:
        left = []
        for finished in pool.run(tasks, self._progress, self._done, self._files):
            self.problems += finished.problems
            if finished.outcome is None and finished.died is None:
                left.append(finished.task)
            else:
                yield finished.task.path, self._outcome(finished)
        yield from ((task.path, self._here(task)) for task in left)

    def _outcome(self, finished: Finished) -> FileOutcome:
        if finished.outcome is not None:
            return finished.outcome
        path = finished.task.path
        reason = f"the process that checked it {finished.died}"
        return unchecked(path, self._plan_of(finished.task), size_of(path), reason)
