"""What tools for checkpoints say of files with one planted fault each.

Usage: python benchmarks/neighbours.py --scanners DIR --analysers DIR [--output FILE]

DIR of --scanners is a virtual environment with picklescan, fickling, modelscan, modelaudit and
hayward; that of --analysers one with weightwatcher, model-clinic, weightlens, torch-audit, and
polygraphy with onnx_graphsurgeon. A tool *says* a fault when it names it in lines that it does not
print of the healthy file of the same format, and *fails* it when moreover its exit code is 0 for
the healthy file alone. It *stops* where it ends with an exception that names no such thing, and
*ran the code* when a command that a pickle calls was run. Each is called as its help says, with
default settings; torch-audit and weightwatcher, which take modules, get one with the weights.
"""

from __future__ import annotations

import argparse
import ast
import functools
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from neighbours_files import CASES, Case, at, write

ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "NO_ANALYTICS": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "COLUMNS": "300",
    "NO_COLOR": "1",
    "HF_HUB_OFFLINE": "1",
}
SECONDS = 150
JOBS = 8
WATCH = (
    "import {module} as m, weightwatcher as w; watcher = w.WeightWatcher(model=m.model());"
    " details = watcher.analyze(); print(details.to_string()); print(watcher.get_summary(details))"
)
AUDIT = """
import torch
from torch import nn


def model():
    shapes = ((64, 96), (96, 96), (96, 10))
    made = nn.Sequential(*(nn.Linear(*shape) for shape in shapes))
    state = torch.load({path!r}, weights_only=True)
    made.load_state_dict({{k.replace("fc", ""): v for k, v in state.items()}})
    return made
"""


@dataclass(frozen=True)
class Tool:
    """A tool and its command line; `{path}` stands for the file, `formats` for what it takes."""

    name: str
    command: tuple[str, ...]
    formats: tuple[str, ...] = (".pt", ".safetensors", ".onnx", ".keras")


def tools(scanners: Path, analysers: Path) -> list[Tool]:
    """In the order of the table."""
    scan, analyse = (str(folder.absolute() / "bin") for folder in (scanners, analysers))
    return [
        Tool("modlint", (sys.executable, "-m", "modlint", "check", "--isolated", "{path}")),
        Tool("modelaudit", (f"{scan}/modelaudit", "scan", "--no-cache", "{path}")),
        Tool("hayward", (f"{scan}/hayward", "scan", "{path}")),
        Tool("modelscan", (f"{scan}/modelscan", "-p", "{path}")),
        Tool("picklescan", (f"{scan}/picklescan", "-p", "{path}")),
        Tool(
            "fickling",
            (f"{scan}/fickling", "--check-safety", "-p", "--json-output", os.devnull, "{path}"),
        ),
        Tool("model-clinic", (f"{analyse}/model-clinic", "exam", "{path}")),
        Tool("weightlens", (f"{analyse}/lens", "analyze", "{path}")),
        Tool("weightwatcher", (f"{analyse}/python", "-c", WATCH), (".pt",)),
        Tool("torch-audit", (f"{analyse}/torch-audit", "{module}:model"), (".pt",)),
        Tool("polygraphy", (f"{analyse}/polygraphy", "check", "lint", "{path}"), (".onnx",)),
    ]


@functools.cache
def said(tool: Tool, path: Path, folder: Path) -> tuple[int, str]:
    """Exit code and output."""
    module = f"audit_{path.parent.name}"
    (folder / f"{module}.py").write_text(AUDIT.format(path=str(path)))
    names = {"path": str(path), "module": module}
    command = [part.format(**names) for part in tool.command]
    paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": paths, "TOOL": tool.name},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        text=True,
        errors="replace",
    )
    return done.returncode, done.stdout.replace(str(path.parent), "").replace(module, "")


def _lines(output: str) -> set[str]:
    """Without numbers, which differ from run to run."""
    return {re.sub(r"\d+", "", line).strip() for line in output.splitlines()}


def judged(tool: Tool, case: Case, folder: Path) -> str:
    """One cell of the table."""
    takes_modules = any("{module}" in part for part in tool.command)
    if case.suffix not in tool.formats or (takes_modules and case.runs):
        return "–"
    try:
        code, output = said(tool, case.within(folder), folder)
    except subprocess.TimeoutExpired:
        return "stops"
    marker = folder / "RAN"
    if case.runs and marker.exists() and tool.name in marker.read_text().split():
        return "**ran the code**"
    if (case.suffix == ".pt" and "Could not load" in output) or "Error(s) in loading" in output:
        return "stops"
    passing, healthy = said(tool, at(folder, case.sibling), folder)
    new = "\n".join(_lines(output) - _lines(healthy))
    if not re.search(case.words, new, re.IGNORECASE):
        return "stops" if "Traceback" in output else ""
    return "fails" if code and not passing and "Traceback" not in output else "says"


def versions(python: Path, names: list[str]) -> list[str]:
    """The tools with the versions that are installed."""
    script = "import sys, importlib.metadata as m; print([m.version(n) for n in sys.argv[1:]])"
    done = subprocess.run(
        [python, "-c", script, *names], capture_output=True, text=True, check=True
    )
    return [f"{n} {v}" for n, v in zip(names, ast.literal_eval(done.stdout), strict=True)]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scanners", type=Path, required=True)
    parser.add_argument("--analysers", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/neighbours.md"))
    arguments = parser.parse_args()
    known = tools(arguments.scanners, arguments.analysers)
    names = [tool.name for tool in known]
    lines = ["# One fault each", "", f"| fault | file | {' | '.join(names)} |"]
    lines.append("|---|---|" + "---|" * len(known))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(folder)
        for case in CASES:
            with ThreadPoolExecutor(JOBS) as pool:
                cells = list(pool.map(lambda tool, case=case: judged(tool, case, folder), known))
            lines.append(f"| {case.fault} | `{case.suffix}` | {' | '.join(cells)} |")
            arguments.output.write_text("\n".join(lines) + "\n")
    own = versions(Path(sys.executable), names[:1])
    found = versions(arguments.scanners / "bin/python", names[1:6])
    found += versions(arguments.analysers / "bin/python", names[6:])
    lines += ["", ", ".join(own + found) + "."]
    arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
