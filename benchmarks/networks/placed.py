"""`python -m benchmarks.networks.placed FOLDER`: how many layers of real files stand in a network.

By format and by how much a network is to be trusted, and why the rest stands in none.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

TRUST = ("high", "medium", "low")
_OWN = re.compile(r"^layer '[^']*': |'[^']*' ?|(: |; | with ).*")  # of the file, not of the kind
_NAMED = 12


def main() -> None:
    """Inspect what is in a folder, and write a table and the reasons, the most frequent first."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.placed")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/networks-placed.md"))
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "modlint", "inspect"]
    command += ["--output-format", "json", str(arguments.folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    placed, reasons = _counted(json.loads(found)["files"])
    arguments.out.write_text("\n".join(_lines(placed, reasons)) + "\n")


def _counted(
    files: list[dict[str, Any]],
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """By format, how many weights stand in a network of which confidence, and reasons of others."""
    placed: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for file in files:
        kind = file["format"] or "unknown"
        trust: dict[str, str] = {}
        for network in file["networks"]:
            for layer in network["layers"]:
                trust.setdefault(layer["tensors"][0], network["confidence"])
        left = [one for one in file["unplaced"] if one["tensor"] not in trust]
        placed[kind].update(trust.values())
        placed[kind]["none"] += len(left)
        placed[kind]["files"] += bool(trust or left)
        reasons[kind].update(_OWN.sub("", one["reason"]) for one in left)
    return placed, reasons


def _lines(placed: dict[str, Counter[str]], reasons: dict[str, Counter[str]]) -> list[str]:
    lines = [
        "# Layers of trained files that stand in a network",
        "",
        "Written by `python -m benchmarks.networks.placed FOLDER` over trained files of public",
        "repositories. A layer is counted once, by the weight that it multiplies with.",
        "",
        "| format | files | layers | high | medium | low | in none |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, counts in sorted(placed.items()):
        layers = sum(counts[name] for name in (*TRUST, "none"))
        if layers:
            shares = [f"{counts[name] / layers:.1%}" for name in (*TRUST, "none")]
            lines.append(f"| {kind} | {counts['files']} | {layers:,} | {' | '.join(shares)} |")
    for kind, counts in sorted((kind, counts) for kind, counts in reasons.items() if counts):
        lines += ["", f"## {kind}: why layers stand in none", ""]
        lines += [f"- {n:,}: {reason}" for reason, n in counts.most_common(_NAMED)]
    return lines


if __name__ == "__main__":
    main()
