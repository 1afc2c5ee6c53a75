"""Scanners as processes: how each is called, and what its answer says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "NO_ANALYTICS": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONUTF8": "1",
}
VERDICTS = ("error", "warning", "clean", "failed", "not scanned")


@dataclass(frozen=True)
class Tool:
    """A scanner.

    Attributes:
        name: what the table calls it, and its console script.
        python: the interpreter that it is installed for.
        arguments: from a file to the arguments.
        verdict: from the finished process to one of `VERDICTS`.
        folders: whether it takes a folder as well.
    """

    name: str
    python: Path
    arguments: Callable[[Path], list[str]]
    verdict: Callable[[subprocess.CompletedProcess[str]], str]
    folders: bool = True

    @property
    def command(self) -> list[str]:
        """How a user starts it."""
        if self.name == "modlint":
            return [str(self.python), "-m", "modlint"]
        return [str(self.python.with_name(self.name))]


def modlint_verdict(run: subprocess.CompletedProcess[str]) -> str:
    """The worst finding; what is no checkpoint and has no finding above a note is not scanned."""
    try:
        report = json.loads(run.stdout)
    except ValueError:
        return "failed"
    summary = report["summary"]
    if summary["error"]:
        return "error"
    if summary["warning"]:
        return "warning"
    statuses = {file["status"] for file in report["files"]}
    return "not scanned" if statuses == {"not-a-checkpoint"} else "clean"


def by_code(codes: dict[int, str]) -> Callable[[subprocess.CompletedProcess[str]], str]:
    """The verdict that the exit code stands for."""
    return lambda run: codes.get(run.returncode, "failed")


def picklescan_verdict(run: subprocess.CompletedProcess[str]) -> str:
    """Exit code 1 for a dangerous global, 2 where the scan failed."""
    if run.returncode == 0 and "Scanned files: 0" in run.stdout:
        return "not scanned"
    return by_code({0: "clean", 1: "error", 2: "failed"})(run)


def fickling_verdict(run: subprocess.CompletedProcess[str]) -> str:
    """Exit code 1 for what is not likely safe; a file that it cannot parse is a failure."""
    if "failed to parse" in run.stdout + run.stderr or "Traceback" in run.stderr:
        return "failed"
    return by_code({0: "clean", 1: "error"})(run)


def modelaudit_verdict(run: subprocess.CompletedProcess[str]) -> str:
    """Critical issues are errors; exit code 2 stands for a scan that failed or found no file."""
    try:
        report = json.loads(run.stdout[run.stdout.index("{") :])
    except ValueError:
        return "failed"
    severities = {issue.get("severity") for issue in report.get("issues", [])}
    if "critical" in severities:
        return "error"
    if "warning" in severities:
        return "warning"
    if run.returncode not in (0, 1):
        return "failed"
    return "clean" if report.get("files_scanned", 1) else "not scanned"


def hayward_verdict(run: subprocess.CompletedProcess[str]) -> str:
    """Critical and high fail its run; "info" stands for the unfamiliar; a gap is a failure."""
    try:
        report = json.loads(run.stdout)
    except ValueError:
        return "failed"
    counts = report["counts"]
    if counts.get("critical") or counts.get("high"):
        return "error"
    if counts.get("medium") or counts.get("low"):
        return "warning"
    return "failed" if report["coverage_gaps"] else "clean"


def tools(venv: Path) -> Iterator[Tool]:
    """modlint, and the scanners that the virtual environment holds."""
    own = ("check", "--isolated", "--no-progress", "--select", "SEC,FMT,GRF")
    yield Tool(
        "modlint",
        Path(sys.executable),
        lambda path: [*own, "--output-format", "json", str(path)],
        modlint_verdict,
    )
    python = venv.absolute() / "bin/python"
    modelscan = by_code({0: "clean", 1: "error", 2: "failed", 3: "not scanned"})
    to_nowhere = ["--check-safety", "--json-output", os.devnull]
    others = [
        Tool("picklescan", python, lambda path: ["--path", str(path)], picklescan_verdict),
        Tool("fickling", python, lambda p: [*to_nowhere, str(p)], fickling_verdict, folders=False),
        Tool("modelscan", python, lambda path: ["--path", str(path)], modelscan),
        Tool(
            "modelaudit",
            python,
            lambda path: ["scan", str(path), "--format", "json", "--no-cache"],
            modelaudit_verdict,
        ),
        Tool(
            "hayward",
            python,
            lambda path: ["scan", "--format", "json", "--quiet", "--", str(path)],
            hayward_verdict,
        ),
    ]
    yield from (tool for tool in others if python.with_name(tool.name).exists())


def timed(tool: Tool, path: Path) -> float:
    """Wall time in seconds, as a user meets it: a process that starts and imports."""
    command = [*tool.command, *tool.arguments(path)]
    started = time.perf_counter()
    subprocess.run(command, env=os.environ | ENVIRONMENT, capture_output=True, check=False)
    return time.perf_counter() - started


class Scanner:
    """A tool that has imported what it needs, and takes a process of its own for each file."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        self._process = subprocess.Popen(
            [tool.python, Path(__file__).with_name("forked.py"), tool.name],
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def judge(self, path: Path) -> str:
        """The verdict on a file, or the worst in a folder where the tool takes no folders."""
        if path.is_file() or self.tool.folders:
            return self.tool.verdict(self._run(path))
        files = sorted(inner for inner in path.rglob("*") if inner.is_file())
        verdicts = {self.tool.verdict(self._run(file)) for file in files}
        order = ("error", "warning", "failed", "clean", "not scanned")
        return min(verdicts, key=order.index, default="not scanned")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _run(self, path: Path) -> subprocess.CompletedProcess[str]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        arguments = self.tool.arguments(path)
        stdin.write(json.dumps(arguments) + "\n")
        stdin.flush()
        return subprocess.CompletedProcess(arguments, **json.loads(stdout.readline()))


def side_by_side(paths: Sequence[Path], known: Sequence[Tool], jobs: int) -> list[dict[str, str]]:
    """For each path the verdict of each tool; `jobs` tools at a time."""

    def scan(tool: Tool) -> list[str]:
        scanner = Scanner(tool)
        started = time.perf_counter()
        verdicts = [scanner.judge(path) for path in paths]
        scanner.close()
        seconds = time.perf_counter() - started
        print(f"{tool.name}: {len(paths)} in {seconds:.0f} s", file=sys.stderr)
        return verdicts

    with ThreadPoolExecutor(jobs) as pool:
        columns = list(pool.map(scan, known))
    names = [tool.name for tool in known]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
