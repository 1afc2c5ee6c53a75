"""A process that has imported the heavy libraries and forks for each run of tests.

`python -m benchmarks.mutation.warm SCRATCH` reads requests from its standard input and writes
answers, a line of JSON each. modlint itself is not imported here: each fork imports it anew, and
with it the mutant that the file holds by then.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutation.tracing import Recorder

_LIBRARIES = (
    "torch", "torch.export", "torch._dynamo", "numpy", "scipy.sparse.linalg", "onnx", "onnx.helper",
    "onnx.reference", "onnxruntime", "safetensors.torch", "joblib", "sklearn", "sklearn.ensemble",
    "transformers", "lightning", "peft", "accelerate", "omegaconf", "hypothesis", "rich.console",
    "msgspec", "pathspec", "networkx", "torch.distributed.checkpoint", "xml.dom.minidom",
    "hypothesis.extra.numpy", "torch.package", "torch.jit", "sympy",
)  # fmt: skip
_MEMORY = 8 << 30
"""Bytes that a run of tests may take: a mutant may lack what bounds them."""

PATIENCE = 20.0
"""Seconds that a test gets beside five times those that it takes without a mutant."""


class Selection:
    """Runs the tests that were asked for, in that order, each within its time."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what was asked for."""
        order = {name: place for place, name in enumerate(self.seconds)}
        items[:] = [item for item in items if item.nodeid in order]
        items.sort(key=lambda item: order[item.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """End the process where a test does not end."""
        signal.setitimer(signal.ITIMER_REAL, PATIENCE + 5 * self.seconds[item.nodeid])
        result = yield
        signal.setitimer(signal.ITIMER_REAL, 0)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the name of the test that noticed."""
        if report.failed:
            self.failed = self.failed or report.nodeid


def run_tests(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """In the fork: run the tests asked for, or record those of a file."""
    options = ["-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]
    options += ["--hypothesis-seed=0", f"--basetemp={scratch / 'temporary'}"]
    if "record" in request:
        recorder = Recorder(scratch)
        code = int(pytest.main([*options, *request["record"]], plugins=[recorder]))
        return {"code": code, **recorder.record()}
    selection = Selection(request["tests"])
    files = dict.fromkeys(name.partition("::")[0] for name in request["tests"])
    code = int(pytest.main([*options, "-x", *files], plugins=[selection]))
    return {"code": code, "failed": selection.failed}


def answer(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Fork, wait, and tell how it went; whatever the fork started ends with it."""
    told = scratch / "answer.json"
    told.unlink(missing_ok=True)
    shutil.rmtree(".hypothesis", ignore_errors=True)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(request, scratch, told)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    result: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {"code": None}
    result["timeout"] = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    result["seconds"] = round(time.monotonic() - started, 1)
    return result


def _become(request: dict[str, Any], scratch: Path, told: Path) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    output = os.open(scratch / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    try:
        told.write_text(json.dumps(run_tests(request, scratch)))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def main() -> None:
    """Answer requests until there are no more."""
    scratch = Path(sys.argv[1])
    with warnings.catch_warnings(action="ignore"):
        for name in _LIBRARIES:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    assert not [name for name in sys.modules if name.startswith("modlint")]
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), scratch)), flush=True)


if __name__ == "__main__":
    main()
