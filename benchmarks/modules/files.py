"""What CLU007, and CLU001, say of the networks in a folder of checkpoints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SUFFIXES = frozenset({".pt", ".pth", ".bin", ".onnx", ".safetensors", ".npz", ".ckpt", ".pkl"})
VALUES = ("clusters", "effect_size", "p_value", "z_score", "neurons", "negligible")


def verdicts(path: Path, rules: str) -> list[dict[str, Any]]:
    """A line for each network of a file that a rule could decide on."""
    command = [sys.executable, "-m", "modlint", "check", "--isolated", "--no-cache", "--exit-zero"]
    asked = [*command, "--select", rules, "--output-format", "json", str(path)]
    found = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=3600).stdout
    return list(_decided(json.loads(found))) if found else []


def _decided(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for file in report["files"]:
        for verdict in file["verdicts"]:
            if verdict["outcome"] in ("pass", "fail"):
                values = {name: verdict["values"].get(name) for name in VALUES}
                told = {"rule": verdict["rule"], "network": verdict["target"]["name"]}
                yield told | {"message": verdict["message"]} | values


def files_in(folder: Path) -> list[Path]:
    """Checkpoints, the smallest first."""
    found = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return sorted(found, key=lambda path: (path.stat().st_size, path))
