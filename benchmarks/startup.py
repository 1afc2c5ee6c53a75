"""How long the light commands take, in units of `python -c pass` on the same machine.

Usage: python benchmarks/startup.py [ROUNDS]

The commands run in turn, round after round, so that whatever else the machine does touches all
of them alike. The exit code is 1 where a median is above `MAX_RATIO` times the bare interpreter's.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

MAX_RATIO = 15
MODLINT = str(Path(sys.executable).with_name("modlint"))
BARE = (sys.executable, "-c", "pass")
LIGHT = {
    "modlint --help": (MODLINT, "--help"),
    "modlint rules": (MODLINT, "rules"),
    "modlint rule NEU001": (MODLINT, "rule", "NEU001"),
}


def seconds(command: tuple[str, ...]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(rounds: int) -> dict[str, float]:
    """Median wall time of each command, in seconds."""
    commands = {"python -c pass": BARE} | LIGHT
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(seconds(command))
    return {name: median(values) for name, values in times.items()}


def main(rounds: int) -> int:
    """Print a line for each command."""
    medians = measure(rounds)
    bare = medians["python -c pass"]
    for name, value in medians.items():
        print(f"{name:<20} {value * 1e3:7.1f} ms  × {value / bare:.1f}")
    return int(max(medians.values()) > MAX_RATIO * bare)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
