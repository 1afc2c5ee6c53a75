"""Mutants in copies of the repository: the tests are recorded once, then asked of each mutant."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.mutation.ledger import KILLED, SURVIVED, TIMEOUT, UNTESTED
from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.selection import Suite
from benchmarks.mutation.tracing import instrument
from benchmarks.mutation.workspace import Workspace, tracked

UNRELATED = (
    "tests/analysis", "tests/numerics", "tests/portraits", "tests/plugins/networks",
    "tests/plugins/onnx_check", "tests/plugins/reporters", "tests/plugins/train",
    "tests/plugins/test_modlint_example.py", "tests/rules/clusterability", "tests/rules/neurons",
    "tests/cli/test_clusters.py", "tests/test_examples.py",
    "tests/test_fuzz_grammar.py", "tests/test_fuzz_slice.py", "tests/test_mutation.py",
    "tests/test_packaging.py", "tests/test_pre_commit.py", "tests/test_scanning.py",
)  # fmt: skip
"""Tests that are not asked: they are of other parts, or run modlint on healthy files only."""


class Server:
    """A warm process in a copy of its own, asked by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder)
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run what `warm` describes and wait for the answer."""
        process = self._process = self._process or self.workspace.start()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()


def record(servers: list[Server], files: list[str], tests: list[str]) -> dict[str, Any]:
    """The tests: what each executes of these files, how long it takes, and which do not pass.

    Only tests are recorded, and later asked, whose path begins with one of `tests`.
    """
    for server in servers:
        root = server.workspace.root
        instrument(root, [root / name for name in files])
    found: dict[str, Any] = {"tests": {}, "failed": []}
    # The last by name take longest, and are better not begun when all others are done.
    modules = [name for name in reversed(tracked()) if _is_asked(name, tests)]
    for number, answer in enumerate(each(servers, modules, _record_file)):
        found["tests"] |= answer.get("tests", {})
        found["failed"] += answer.get("failed", [answer["file"]])
        print(f"{number + 1}/{len(modules)} {answer['seconds']} s {answer['file']}", flush=True)
    return found


def _is_asked(name: str, tests: list[str]) -> bool:
    test = name.startswith(tuple(tests)) and Path(name).match("test_*.py")
    return test and not name.startswith(UNRELATED)


def _record_file(server: Server, name: str) -> dict[str, Any]:
    return server.ask({"record": [name]}) | {"file": name}


def judge(server: Server, mutant: Mutant, tests: Suite) -> dict[str, Any]:
    """Whether the tests notice a mutant: the quickest are asked first."""
    names = tests.of(mutant)
    told: dict[str, Any] = {"outcome": SURVIVED if names else UNTESTED, "test": "", "seconds": 0.0}
    path = server.workspace.root / mutant.path
    content = path.read_bytes()
    path.write_bytes(mutant.apply(content))
    try:
        for turn in tests.in_turns(names):
            answer = server.ask({"tests": turn})
            told["seconds"] = round(told["seconds"] + answer["seconds"], 1)
            if answer["timeout"]:
                return told | {"outcome": TIMEOUT}
            if answer["code"] not in (0, 5):  # 5: the mutant took the tests' parameters away
                return told | {"outcome": KILLED, "test": answer.get("failed") or "the collection"}
    finally:
        path.write_bytes(content)
    return told


def each(
    servers: list[Server], tasks: Iterable[Any], work: Callable[[Server, Any], Any]
) -> Iterator[Any]:
    """The results in the order in which they come, each task done by a server that is free."""
    free: SimpleQueue[Server] = SimpleQueue()
    done: SimpleQueue[Any] = SimpleQueue()
    for server in servers:
        free.put(server)

    def run(task: Any) -> None:
        server = free.get()
        try:
            done.put((work(server, task), None))
        except Exception as error:
            done.put((None, error))
        finally:
            free.put(server)

    with ThreadPoolExecutor(len(servers)) as pool:
        for _ in [pool.submit(run, task) for task in tasks]:
            result, error = done.get()
            if error is not None:
                raise error
            yield result
