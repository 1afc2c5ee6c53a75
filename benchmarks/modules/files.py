"""What CLU007 over several seeds, and CLU001, say of the networks in a folder of checkpoints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SUFFIXES = frozenset({".pt", ".pth", ".bin", ".onnx", ".safetensors", ".npz", ".ckpt", ".pkl"})
VALUES = ("clusters", "effect_size", "p_value", "z_score", "neurons")


def verdicts(path: Path, seeds: int) -> list[dict[str, Any]]:
    """A line for each network of a file, rule and seed that the rule could decide on."""
    found: list[dict[str, Any]] = []
    for seed in range(seeds):
        rules = "CLU001,CLU007" if seed == 0 else "CLU007"
        found += ({"seed": seed} | line for line in _asked(path, rules, seed))
        if not any(line["rule"] == "CLU007" for line in found):
            break
    return found


def _asked(path: Path, rules: str, seed: int) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "modlint", "check", "--isolated", "--no-cache", "--exit-zero"]
    chosen = ["--select", rules, "--config", f"rules.no-modules.seed={seed}"]
    asked = [*command, *chosen, "--output-format", "json", str(path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=3600).stdout
    for file in json.loads(told)["files"] if told else ():
        for verdict in file["verdicts"]:
            if verdict["outcome"] in ("pass", "fail"):
                values = {name: verdict["values"].get(name) for name in VALUES}
                yield {"rule": verdict["rule"], "network": verdict["target"]["name"]} | values


def files_in(folder: Path) -> list[Path]:
    """Checkpoints, the smallest first."""
    found = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return sorted(found, key=lambda path: (path.stat().st_size, path))
