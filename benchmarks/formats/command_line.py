"""The exit codes of the command line over one file, whatever the output format."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from modlint_plugins.reporters import REPORTERS

NAMES = [reporter.name for reporter in REPORTERS]


def differences(paths: Sequence[Path]) -> Iterator[str]:
    """A line for each file whose exit code hangs on the format, or is none of a check's."""
    for path in paths:
        codes = exit_codes(path)
        if len(set(codes.values())) != 1 or not set(codes.values()) <= {0, 1, 2}:
            yield f"{path}: {codes}"


def exit_codes(*paths: Path) -> dict[str, int]:
    """By what was asked for, the exit code."""
    codes = {name: _run(paths, "--output-format", name) for name in NAMES}
    codes["--statistics"] = _run(paths, "--statistics")
    codes["-j 2"] = _run(paths, "-j", "2", "--output-format", "json")
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--output={name}={Path(folder) / name}" for name in NAMES]
        codes["all at once"] = _run(paths, *outputs)
        written = {path.name for path in Path(folder).iterdir() if path.stat().st_size}
        if written != set(NAMES):
            codes[f"not written: {sorted(set(NAMES) - written)}"] = -1
    return codes


def _run(paths: Sequence[Path], *arguments: str) -> int:
    command = [sys.executable, "-P", "-m", "modlint", "check", "--isolated", "--no-cache"]
    run = subprocess.run(
        [*command, *arguments, "--", *map(str, paths)],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    return -2 if b"Traceback" in run.stderr or b"internal error" in run.stderr else run.returncode
