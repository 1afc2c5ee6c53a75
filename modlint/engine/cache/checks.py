"""Checks whose outcome is kept: what a file gave is given again while nothing has changed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from msgspec import Struct

from modlint.analysis.base import Progress
from modlint.engine.cache.fingerprint import fingerprint
from modlint.engine.cache.folder import CacheFolder
from modlint.engine.cache.record import (
    MOST_STATES,
    Kept,
    packed,
    sealed,
    unpacked,
    unsealed,
    worth_keeping,
)
from modlint.engine.cache.states import Eyes, Seen, Stamp, absolute, is_settled
from modlint.engine.check import FileOutcome, check_file, silent
from modlint.engine.plan import CheckPlan
from modlint.errors import Unavailable
from modlint.looks import Look, listeners


class Watch:
    """Notes what is looked at while it is entered, and what was there before."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        self.looks: dict[tuple[Look, bytes], Seen | Stamp | None] = {}
        self.failed = False

    def __enter__(self) -> Watch:
        listeners.append(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        listeners.remove(self._note)

    def _note(self, look: Look, path: Path) -> None:
        if look is Look.FAILED:
            self.failed = True
            return
        key = look, absolute(path)
        if key in self.looks:
            return
        if look is Look.CONTENT:
            stamp, now = self._eyes.stamp(key[1]), time.time_ns()
            self.failed |= stamp is not None and not is_settled(stamp, now)
            self.looks[key] = stamp
            return
        self._eyes.forget()
        try:
            self.looks[key] = self._eyes.see(*key)
        except Unavailable:
            self.failed = True

    def seen(self) -> tuple[Seen, ...]:
        """All that was looked at, as it was throughout.

        Raises:
            Unavailable: something changed meanwhile, or could not be looked at.
        """
        if self.failed:
            raise Unavailable("something could not be opened")
        self._eyes.forget()
        found = []
        for (look, path), before in self.looks.items():
            now = self._eyes.see(look, path)
            then = self._eyes.stamp(path) if look is Look.CONTENT else now
            if then != before:
                raise Unavailable(f"{os.fsdecode(path)} changed")
            found.append(now)
        return tuple(found)


class Cache(Struct, frozen=True):
    """A folder of outcomes, opened.

    Attributes:
        folder: where outcomes are kept.
        eyes: see whether something has changed.
        planned: what is looked at while a plan is made: the reference, and what it consists of.
        paranoid: whether files are hashed that seem unchanged.
    """

    folder: CacheFolder
    eyes: Eyes
    planned: Watch
    paranoid: bool

    @classmethod
    def open(cls, path: Path, *, paranoid: bool) -> Cache:
        """Open a folder.

        Raises:
            Unavailable: it cannot be used.
        """
        folder = CacheFolder(path)
        if not folder.usable():
            raise Unavailable(f"{path} cannot be used as a cache")
        eyes = Eyes(folder.secret())
        return cls(folder, eyes, Watch(eyes), paranoid)


class CachedChecks:
    """Checks of files by one plan, with their outcomes kept.

    Args:
        plan: what is done to each file.
        cache: where outcomes are kept.

    Raises:
        Unavailable: nothing may be kept of such a plan.
    """

    def __init__(self, plan: CheckPlan, cache: Cache) -> None:
        if plan.closed:
            raise Unavailable("what is checked for safety is checked each time")
        if plan.errors or cache.planned.failed:
            raise Unavailable("the plan is not whole")
        self._fingerprint = fingerprint(plan)
        self._folder, self._eyes = cache.folder, cache.eyes
        self._paranoid = cache.paranoid
        self._of_plan = cache.planned
        self._reference = _reference_of(plan)
        self.written = 0

    def forget(self) -> None:
        """Look at everything anew: what was seen is of a moment ago."""
        self._eyes.forget()

    def known(self, path: Path, plan: CheckPlan, *, hashing: bool) -> FileOutcome | None:
        """What an earlier check of the file gave, where another would give the same.

        Args:
            path: the file.
            plan: the plan, for shards perhaps.
            hashing: whether large files are hashed to find out.
        """
        key = self._key(path, plan)
        entry = unsealed(self._folder.read(key), _hashed)
        for index, kept in enumerate(entry):
            try:
                seen = self._still(kept.seen, hashing=hashing)
                if seen is None:
                    continue
                outcome = unpacked(kept.outcome)
            except Unavailable:
                continue
            if index or seen != kept.seen:
                others = entry[:index] + entry[index + 1 :]
                self._write(key, (Kept(seen, kept.outcome), *others))
            return outcome
        return None

    def check(self, path: Path, plan: CheckPlan, progress: Progress = silent) -> FileOutcome:
        """Check a file, and keep what comes of it."""
        with Watch(self._eyes) as watch:
            outcome = check_file(path, plan, progress)
        progress("noting what it was", 0, 0)
        self._keep(path, plan, outcome, watch)
        return outcome

    def prune(self) -> None:
        """Remove old outcomes where there are too many."""
        self._folder.prune()

    def _keep(self, path: Path, plan: CheckPlan, outcome: FileOutcome, watch: Watch) -> None:
        if self._reference is not None:  # what one file has it look at, the next finds done
            ours = {key: at for key, at in watch.looks.items() if self._is_of_reference(key[1])}
            self._of_plan.looks = ours | self._of_plan.looks
        try:
            data = packed(outcome)
            if plan.registry.problems or not worth_keeping(outcome, data):
                return
            watch.looks = self._of_plan.looks | watch.looks
            new = Kept(watch.seen(), data)
        except (Unavailable, OSError):
            return
        key = self._key(path, plan)
        others = unsealed(self._folder.read(key), _hashed)[: MOST_STATES - 1]
        self._write(key, (new, *others))

    def _write(self, key: str, kept: tuple[Kept, ...]) -> None:
        self.written += 1
        self._folder.write(key, sealed(kept, _hashed))

    def _still(self, seen: Sequence[Seen], *, hashing: bool) -> tuple[Seen, ...] | None:
        found = []
        for before in seen:
            now = self._eyes.same(before, paranoid=self._paranoid, hashing=hashing)
            if now is None:
                return None
            found.append(now)
        return tuple(found)

    def _is_of_reference(self, path: bytes) -> bool:
        assert self._reference is not None  # noqa: S101 (asked before)
        return path.startswith(self._reference)

    def _key(self, path: Path, plan: CheckPlan) -> str:
        given, place = os.fsencode(path), absolute(path)
        parts = (self._fingerprint, given, place, bytes([plan.structure_only]))
        digest = hashlib.blake2b(digest_size=20)
        for part in parts:
            digest.update(len(part).to_bytes(8, "little") + part)
        return digest.hexdigest()


def _reference_of(plan: CheckPlan) -> bytes | None:
    """The folder of the reference."""
    setting = plan.configuration.settings.baseline_model
    return None if setting is None else absolute(Path(setting).parent)


def _hashed(data: bytes) -> bytes:
    import xxhash

    return bytes(xxhash.xxh3_128_digest(data))
