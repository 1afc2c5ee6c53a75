"""Asks onnxruntime whether it loads a file, in a process of its own and without optimisations."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SCRIPT = """
import json, sys
import onnxruntime
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
options.log_severity_level, options.intra_op_num_threads = 4, 1
for path in sys.stdin.read().splitlines():
    said = None
    try:
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        said = str(error)
    print("told", json.dumps([path, said]), flush=True)
"""
LATER = (
    "NOT_IMPLEMENTED",  # no kernel
    "Exception during initialization",  # a kernel, or a graph of nothing
    "PrePack",
    "ValidateOpsetForDomain",  # a version that it does not support
    "Unsupported model IR version",
    "MLDataType for",  # a type that it does not support
)
"""Parts of refusals that come after parsing, resolving and type-checking, or are of versions."""
_RESOLVING = "function_utils"  # said during initialisation, of what is resolved there


def onnxruntime_says(paths: Sequence[Path]) -> dict[Path, str | None]:
    """By file, why onnxruntime refuses it; None where it loads."""
    answers: dict[Path, str | None] = {}
    while len(answers) < len(paths):
        left = [path for path in paths if path not in answers]
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input="\n".join(map(str, left)),
            capture_output=True,
            text=True,
            timeout=300,
        )
        for line in run.stdout.splitlines():
            if line.startswith("told "):
                path, said = json.loads(line.removeprefix("told "))
                answers[Path(path)] = said
        remaining = [path for path in left if path not in answers]
        if remaining:
            answers[remaining[0]] = f"it crashed: {run.returncode}"
    return answers


def is_refusal(said: str | None) -> bool:
    """Whether onnxruntime refuses a file while it parses, resolves or type-checks it."""
    if said is None:
        return False
    return _RESOLVING in said or not any(part in said for part in LATER)
