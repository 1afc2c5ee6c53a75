"""modlint beside the scanners: verdicts over a corpus of hostile files, and wall time.

Usage: python benchmarks/scanners.py --venv DIR --corpus DIR [--rounds N] [--output FILE]

DIR of --venv is a virtual environment that holds picklescan, fickling, modelscan and modelaudit;
those that it lacks are left out. DIR of --corpus holds files and a MANIFEST.json that states
what each is: malicious, malformed, suspicious or benign. Each tool is run as a process of its
own for each file, with telemetry off; nothing but the tools opens a hostile file. Times are
medians over rounds in which the tools take turns, so that whatever else the machine does
touches all of them alike.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MAX_RATIO_TO_PICKLESCAN = 3.0
MAX_RATIO_TO_CRC = 1.5
ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "NO_ANALYTICS": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONUTF8": "1",
}
EXPECTED = ("malicious", "malformed", "suspicious", "benign")
VERDICTS = ("error", "warning", "clean", "failed", "not scanned")
WANTED = {
    "malicious": {"error"},
    "malformed": {"error"},
    "suspicious": {"error", "warning"},
    "benign": {"clean", "warning", "not scanned"},
}
TIMEOUT = 120


@dataclass(frozen=True)
class Tool:
    """A scanner.

    Attributes:
        name: what the table calls it.
        command: from a file to the command line.
        verdict: from the finished process to one of `VERDICTS`.
    """

    name: str
    command: Callable[[Path], list[str]]
    verdict: Callable[[subprocess.CompletedProcess[str]], str]


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


def tools(venv: Path) -> Iterator[Tool]:
    """modlint, and the scanners that the virtual environment holds."""
    options = ("--isolated", "--no-progress", "--select", "SEC,FMT,GRF", "--output-format", "json")
    known = [
        Tool(
            "modlint",
            lambda path: [sys.executable, "-m", "modlint", "check", *options, str(path)],
            modlint_verdict,
        ),
        Tool(
            "picklescan",
            lambda path: [str(venv / "bin/picklescan"), "--path", str(path)],
            picklescan_verdict,
        ),
        Tool(
            "fickling",
            lambda path: [
                str(venv / "bin/fickling"),
                "--check-safety",
                "--json-output",
                os.devnull,
                str(path),
            ],
            fickling_verdict,
        ),
        Tool(
            "modelscan",
            lambda path: [str(venv / "bin/modelscan"), "--path", str(path)],
            by_code({0: "clean", 1: "error", 2: "failed", 3: "not scanned"}),
        ),
        Tool(
            "modelaudit",
            lambda path: [
                str(venv / "bin/modelaudit"), "scan", str(path), "--format", "json", "--no-cache",
            ],
            modelaudit_verdict,
        ),
    ]  # fmt: skip
    for tool in known:
        if tool.name == "modlint" or (venv / "bin" / tool.name).exists():
            yield tool


def execute(tool: Tool, path: Path) -> tuple[str, float]:
    """The verdict and the wall time in seconds."""
    started = time.perf_counter()
    try:
        run = subprocess.run(
            tool.command(path),
            env=os.environ | ENVIRONMENT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "failed", float(TIMEOUT)
    return tool.verdict(run), time.perf_counter() - started


def judge(corpus: Path, known: list[Tool]) -> dict[str, dict[str, str]]:
    """By file, by tool: the verdict; under "expected" what the manifest states."""
    manifest = json.loads((corpus / "MANIFEST.json").read_text())["files"]
    verdicts: dict[str, dict[str, str]] = {}
    for number, entry in enumerate(manifest):
        row = {"expected": entry["expected"], "why": entry.get("why", "")}
        for tool in known:
            row[tool.name] = execute(tool, corpus / entry["file"])[0]
        verdicts[entry["file"]] = row
        print(f"{number + 1}/{len(manifest)}", end="\r", file=sys.stderr)
    return verdicts


def checkpoint(folder: Path, megabytes: int) -> Path:
    """A state_dict of ten float matrices, as torch.save writes it."""
    import torch

    torch.manual_seed(0)
    rows = megabytes * 100_000 // 4 // 100
    state = {f"layer{i}.weight": torch.randn(rows, 100) for i in range(10)}
    path = folder / f"{megabytes}.pt"
    torch.save(state, path)
    return path


def crc_pass(path: Path) -> float:
    """Seconds of one CRC-32 over the file, as Python reads it, mapped."""
    import mmap

    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        started = time.perf_counter()
        zlib.crc32(mapped)
        return time.perf_counter() - started


def measure(known: list[Tool], rounds: int) -> tuple[dict[str, dict[int, float]], float]:
    """Median seconds by tool and megabytes, and those of one CRC pass over the larger file."""
    times: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    passes = []
    with tempfile.TemporaryDirectory() as folder:
        paths = {size: checkpoint(Path(folder), size) for size in (1, 100)}
        for tool in known:  # compiles it, and brings its files into memory
            execute(tool, paths[1])
        for _ in range(rounds):
            for size, path in paths.items():
                for tool in known:
                    times[tool.name][size].append(execute(tool, path)[1])
            passes.append(crc_pass(paths[100]))
    medians = {name: {size: median(t) for size, t in of.items()} for name, of in times.items()}
    return medians, median(passes)


def verdict_table(verdicts: dict[str, dict[str, str]], known: list[Tool]) -> Iterator[str]:
    """How many files of each kind got which verdict from each tool."""
    yield "| stated | tool | " + " | ".join(VERDICTS) + " | as wanted |"
    yield "|---|---|" + "---:|" * (len(VERDICTS) + 1)
    for expected in EXPECTED:
        rows = [row for row in verdicts.values() if row["expected"] == expected]
        for tool in known:
            counts = Counter(row[tool.name] for row in rows)
            right = sum(counts[verdict] for verdict in WANTED[expected])
            cells = " | ".join(str(counts[verdict]) for verdict in VERDICTS)
            yield f"| {expected} ({len(rows)}) | {tool.name} | {cells} | {right} |"


def differences(verdicts: dict[str, dict[str, str]]) -> Iterator[str]:
    """The files where modlint does not say what its authors state."""
    yield "| file | stated | modlint |"
    yield "|---|---|---|"
    for name, row in verdicts.items():
        if row["modlint"] not in WANTED[row["expected"]]:
            yield f"| {name} | {row['expected']} | {row['modlint']} |"


def time_table(medians: dict[str, dict[int, float]], crc: float) -> Iterator[str]:
    """Wall time, and what modlint is held to."""
    own = medians["modlint"]
    yield "| tool | 1 MB, s | 100 MB, s | modlint takes, times as long |"
    yield "|---|---:|---:|---:|"
    for name, of in medians.items():
        yield f"| {name} | {of[1]:.2f} | {of[100]:.2f} | {own[100] / of[100]:.2f} |"
    yield ""
    added = own[100] - own[1]
    yield f"One CRC-32 pass over the 100 MB takes {crc:.3f} s."
    yield f"From 1 MB to 100 MB modlint takes {added:.3f} s longer: {added / crc:.2f} passes."


def main() -> int:
    """Write the tables; the exit code is 1 where modlint is slower than it is held to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/scanners.md"))
    arguments = parser.parse_args()
    known = list(tools(arguments.venv))
    medians, crc = measure(known, arguments.rounds)
    lines = ["# modlint beside the scanners", "", *time_table(medians, crc), ""]
    if arguments.corpus:
        verdicts = judge(arguments.corpus, known)
        lines += [*verdict_table(verdicts, known), "", *differences(verdicts), ""]
        arguments.output.with_suffix(".json").write_text(json.dumps(verdicts, indent=1))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("\n".join(lines))
    print("\n".join(lines))
    own = medians["modlint"]
    slow = own[100] > MAX_RATIO_TO_PICKLESCAN * medians.get("picklescan", own)[100]
    slow |= own[100] - own[1] > MAX_RATIO_TO_CRC * crc
    slow |= any(own[100] > medians[n][100] for n in ("modelscan", "modelaudit") if n in medians)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
