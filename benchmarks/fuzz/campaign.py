"""Many mutants in worker processes, which may die without ending the campaign."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.fuzz.examine import SECONDS, Examiner
from benchmarks.fuzz.mutate import mutant
from benchmarks.fuzz.seeds import seed_files
from benchmarks.fuzz.wrappers import grammar_file

MEMORY = 2 << 30
"""Bytes of resident memory that a worker may take, PyTorch's own included."""

MUTATED = 0.3
"""Share of the grammar's files that are mutated besides."""

_HANG = 12 * SECONDS
"""Wall-clock seconds after which a mutant's worker is ended: the machine may be busy."""


_START = 300.0
"""Wall-clock seconds within which a worker must have imported PyTorch and made its mutants."""


@dataclass(frozen=True)
class Failure:
    """A mutant that broke a bound."""

    index: int
    seed_file: str
    problem: str


@dataclass(frozen=True)
class Campaign:
    """What determines the mutants.

    Attributes:
        seed: of all that is random.
        folders: whose files are mutated beside those written here.
        grammar: share of the mutants whose pickles the grammar makes.
    """

    seed: int
    folders: list[Path]
    grammar: float = 0.25


class Mutants:
    """The mutants of a campaign, each made anew from its index."""

    def __init__(self, campaign: Campaign) -> None:
        self.seed = campaign.seed
        self.grammar = campaign.grammar
        self.files = seed_files(campaign.folders)
        self.names = list(self.files)

    def make(self, index: int) -> tuple[str, bytes]:
        """Name of the seed file, and the mutant."""
        rng = random.Random(f"{self.seed}:{index}")
        if rng.random() < self.grammar:
            name, content = grammar_file(rng)
            if rng.random() < MUTATED:
                content = mutant(rng, content, list(self.files.values()))
            return name, content
        name = self.names[index % len(self.names)]
        return name, mutant(rng, self.files[name], list(self.files.values()))


@dataclass(frozen=True)
class Task:
    """What a worker is to do."""

    campaign: Campaign
    indices: range


def work(task: Task, pipe: Connection) -> None:
    """Examine mutants; report each index before, and each problem after."""
    resource.setrlimit(resource.RLIMIT_DATA, (3 * MEMORY, 3 * MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["OMP_NUM_THREADS"] = "1"
    mutants = Mutants(task.campaign)
    examiner = Examiner()
    with tempfile.TemporaryDirectory() as folder:
        for index in task.indices:
            name, content = mutants.make(index)
            suffix = "".join(Path(name).suffixes[-2:]) or ".pt"
            path = Path(folder, f"mutant{suffix[:20]}")
            path.write_bytes(content)
            pipe.send((index, name, None))
            problem = examiner.problem(path)
            resident = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if problem is None and resident > MEMORY:
                problem = f"memory: {resident / 2**30:.1f} GiB resident"
            pipe.send((index, name, problem or ""))
            if resident > MEMORY:
                break
    pipe.close()


def run(
    campaign: Campaign,
    indices: range,
    failed: Callable[[Failure], None],
) -> None:
    """Examine a range of mutants, in a new worker whenever one dies or must be ended."""
    context = multiprocessing.get_context("spawn")
    start = indices.start
    suspects: set[int] = set()
    while start < indices.stop:
        ours, theirs = context.Pipe(duplex=False)
        task = Task(campaign, range(start, indices.stop))
        worker = context.Process(target=work, args=(task, theirs), daemon=True)
        worker.start()
        theirs.close()
        start = _follow(worker, ours, start, suspects, failed)
        worker.join()


def _follow(
    worker: Any,
    pipe: Connection,
    start: int,
    suspects: set[int],
    failed: Callable[[Failure], None],
) -> int:
    """Listen to a worker until it ends; the index to go on with.

    A mutant that hangs gets a second try: the machine may have been busy.
    """
    index, name, running = start - 1, "", False
    while True:
        try:
            if not pipe.poll(_HANG if running else _START):
                worker.kill()
                if index not in suspects:
                    suspects.add(index)
                    return max(index, start)
                failed(Failure(index, name, f"hang: more than {_HANG:g} s, twice"))
                return index + 1
            index, name, problem = pipe.recv()
        except EOFError:
            worker.join()
            if running:
                failed(Failure(index, name, f"crash: exit code {worker.exitcode}"))
            elif index < start:
                raise RuntimeError(f"a worker ended with {worker.exitcode}") from None
            return index + 1
        running = problem is None
        if problem:
            failed(Failure(index, name, problem))


class Ledger:
    """What was done, kept in a file, so that a campaign can be taken up again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: set[int] = set()
        self.failures: list[dict[str, Any]] = []
        for line in path.read_text().splitlines() if path.exists() else ():
            entry = json.loads(line)
            self.done.add(entry["begin"])
            self.failures += entry["failures"]

    def add(self, begin: int, count: int, failures: list[Failure], seconds: float) -> None:
        """Note a batch."""
        told = [asdict(failure) for failure in failures]
        entry = {"begin": begin, "count": count, "seconds": round(seconds, 1), "failures": told}
        self.failures += told
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def batch(campaign: Campaign, indices: range) -> tuple[range, list[Failure], float]:
    """One batch of a campaign: its failures and the seconds it took."""
    started = time.monotonic()
    failures: list[Failure] = []
    run(campaign, indices, failures.append)
    return indices, failures, time.monotonic() - started
