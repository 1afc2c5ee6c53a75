"""Helpers that run modlint as users do."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from modlint.analysis.base import FileAnalysis
from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.engine.examine import FileExamination

R = TypeVar("R")


def modlint(
    *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key not in ("GITHUB_ACTIONS", "PRE_COMMIT", "FORCE_COLOR", "NO_COLOR", "COLUMNS")
    }
    return subprocess.run(
        [sys.executable, "-m", "modlint", *map(str, arguments)],
        cwd=cwd,
        env=inherited | {"PYTHONUTF8": "1"} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def check_json(*arguments: object, cwd: Path | None = None) -> dict[str, Any]:
    """The JSON report of `modlint check` with no configuration file."""
    run = modlint("check", "--isolated", "--output-format", "json", *arguments, cwd=cwd)
    assert "Traceback" not in run.stderr, run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def file_result(analysis: FileAnalysis[R], checkpoint: Checkpoint) -> R:
    """An analysis' result on a file without networks."""
    examination = FileExamination(checkpoint, Built(()), "cpu", lambda what, done, total: None, [])
    return examination.result(analysis, checkpoint)


@contextlib.contextmanager
def no_progress(path: Path, index: int, total: int) -> Iterator[Any]:
    """Progress for runs inside the test process: none."""
    yield lambda what, done, of: None
