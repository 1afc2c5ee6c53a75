"""modlint beside the scanners: verdicts over a corpus of hostile files, and wall time.

Usage: python benchmarks/scanners.py --venv DIR [--corpus DIR] [--literature] [--rounds N]
    [--jobs N] [--output FILE]

DIR of --venv is a virtual environment that holds picklescan, fickling, modelscan, modelaudit and
hayward; those that it lacks are left out. DIR of --corpus holds files and a MANIFEST.json that
states what each is: malicious, malformed, suspicious or benign. --literature scans the cases that
`tests/threats` rebuilds from public text. Each tool gets a process of its own for each file (a fork
of one that has imported the tool), with telemetry off; nothing else opens a hostile file. Times are
medians over rounds in which the tools take turns, started as a user starts them, so that whatever
else the machine does touches all of them alike.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import literature
from scanning import VERDICTS, Tool, side_by_side, timed, tools

MAX_RATIO_TO_PICKLESCAN = 2.0
MAX_RATIO_TO_CRC = 1.5
EXPECTED = ("malicious", "malformed", "suspicious", "benign")
WANTED = {
    "malicious": {"error"},
    "malformed": {"error"},
    "suspicious": {"error", "warning"},
    "benign": {"clean", "warning", "not scanned"},
}


def over_corpus(corpus: Path, known: list[Tool], jobs: int) -> dict[str, dict[str, str]]:
    """By file, by tool: the verdict; under "expected" what the manifest states."""
    manifest = json.loads((corpus / "MANIFEST.json").read_text())["files"]
    told = side_by_side([corpus / entry["file"] for entry in manifest], known, jobs)
    return {
        entry["file"]: {"expected": entry["expected"], "why": entry.get("why", "")} | row
        for entry, row in zip(manifest, told, strict=True)
    }


def over_literature(known: list[Tool], jobs: int, output: Path) -> list[str]:
    """The sums; what each tool says of each case goes to a file of its own beside the output."""
    with tempfile.TemporaryDirectory() as folder:
        told = literature.cases(Path(folder), known, jobs)
    lines = ["# What the scanners say of the literature's cases", "", *literature.each(told)]
    output.with_name("literature.md").write_text("\n".join(lines) + "\n")
    return [*literature.sums(told), ""]


def versions(venv: Path, known: list[Tool]) -> list[str]:
    """The tools with the versions that are installed."""
    names = [tool.name for tool in known if tool.name != "modlint"]
    script = "import sys, importlib.metadata as m; print([m.version(n) for n in sys.argv[1:]])"
    run = subprocess.run(
        [venv / "bin/python", "-c", script, *names], capture_output=True, text=True, check=True
    )
    found = ast.literal_eval(run.stdout)
    return [f"{name} {version}" for name, version in zip(names, found, strict=True)]


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
            timed(tool, paths[1])
        for _ in range(rounds):
            for size, path in paths.items():
                for tool in known:
                    times[tool.name][size].append(timed(tool, path))
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
    parser.add_argument("--literature", action="store_true", help="scan the cases of the tests")
    parser.add_argument("--jobs", type=int, default=2, help="tools that scan at a time")
    parser.add_argument("--rounds", type=int, default=5, help="of timing; 0 for none")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/scanners.md"))
    arguments = parser.parse_args()
    known = list(tools(arguments.venv))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    medians, crc = measure(known, arguments.rounds) if arguments.rounds else ({}, 0.0)
    lines = ["# modlint beside the scanners", ""]
    if medians:
        lines += [*time_table(medians, crc), ""]
    if arguments.corpus:
        verdicts = over_corpus(arguments.corpus, known, arguments.jobs)
        lines += [*verdict_table(verdicts, known), "", *differences(verdicts), ""]
        arguments.output.with_suffix(".json").write_text(json.dumps(verdicts, indent=1))
    if arguments.literature:
        lines += over_literature(known, arguments.jobs, arguments.output)
    lines += [", ".join(versions(arguments.venv, known)) + ".", ""]
    arguments.output.write_text("\n".join(lines))
    print("\n".join(lines))
    return int(bool(medians) and _is_slow(medians, crc))


def _is_slow(medians: dict[str, dict[int, float]], crc: float) -> bool:
    own = medians["modlint"]
    slow = own[100] > MAX_RATIO_TO_PICKLESCAN * medians.get("picklescan", own)[100]
    slow |= own[100] - own[1] > MAX_RATIO_TO_CRC * crc
    slow |= any(own[100] > medians[n][100] for n in ("modelscan", "modelaudit") if n in medians)
    return slow


if __name__ == "__main__":
    sys.exit(main())
