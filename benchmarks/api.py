"""What `modlint.check` takes for a module in memory, beside the file of its state_dict.

Usage: python benchmarks/api.py [ROUNDS]

Both are checked in this process, in turn, by the rules that judge both, so that whatever else the
machine does touches both alike; the file lies in the page cache. The exit code is 1 where some
median is above `MAX_RATIO` times that of the file. The table goes to results/api.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

import modlint

MAX_RATIO = 1.2
RESULTS = Path(__file__).resolve().parent / "results" / "api.md"
CLUSTERS = {"select": "NUM,NEU,COV,CLU"}
STATISTICS = {"select": "NUM,NEU,COV"}


def mlp() -> nn.Module:
    """784-256-256-256-256-10, as in Filan et al."""
    return nn.Sequential(*(nn.Linear(*p) for p in pairwise((784, 256, 256, 256, 256, 10))))


def transformer() -> nn.Module:
    """50 million parameters in 144 tensors."""
    return nn.TransformerEncoder(
        nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True), 16, enable_nested_tensor=False
    )


def convolutions() -> nn.Module:
    """9 million parameters, whose memory runs channels last: no row of a weight is contiguous."""
    widths = (3, 128, 256, 512, 768, 512)
    layers = [nn.Conv2d(*p, 3) for p in pairwise(widths)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


CASES: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "MLP, 400 thousand parameters, clustered": (mlp, CLUSTERS),
    "MLP, 400 thousand parameters": (mlp, STATISTICS),
    "convolutions, channels last": (convolutions, STATISTICS),
    "transformer, 50 million parameters": (transformer, STATISTICS),
    "the same in bfloat16": (lambda: transformer().bfloat16(), STATISTICS),
}


def seconds(x: Any, settings: dict[str, Any]) -> float:
    """Wall time of one check."""
    start = time.perf_counter()
    modlint.check(x, device="cpu", **settings)
    return time.perf_counter() - start


def measure(module: nn.Module, settings: dict[str, Any], rounds: int) -> tuple[float, float]:
    """Median wall times of checking the module and its file, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        torch.save(module.state_dict(), path)
        seconds(module, settings), seconds(path, settings)
        times = [(seconds(module, settings), seconds(path, settings)) for _ in range(rounds)]
    live, file = zip(*times, strict=True)
    return median(live), median(file)


def main(rounds: int) -> int:
    """Measure, print and write the table."""
    torch.manual_seed(0)
    lines = ["| module | in memory, ms | its file, ms | ratio |", "|---|---:|---:|---:|"]
    worst = 0.0
    for name, (build, settings) in CASES.items():
        live, file = measure(build(), settings, rounds)
        worst = max(worst, live / file)
        lines.append(f"| {name} | {live * 1e3:.1f} | {file * 1e3:.1f} | {live / file:.2f} |")
        print(lines[-1], flush=True)
    note = f"Medians of {rounds} rounds; threads: {torch.get_num_threads()}."
    text = "\n".join([*lines, "", note])
    RESULTS.write_text(text + "\n", encoding="utf-8")
    return int(worst > MAX_RATIO)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
