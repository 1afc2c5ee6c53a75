"""modlint's own test of a network, as `modlint check --select CLU001` does it."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import time
from pathlib import Path

from reference import Measured

from modlint.cli import main


def check(path: Path, shuffles: int, method: str) -> Measured:
    """Run the command in this process and read its report; what it imports is not timed."""
    importlib.import_module("modlint.numerics.cluster.null")
    _output(["rules"])
    settings = {"shuffles": shuffles, "method": method, "extremes": 0}
    flags = [f"--config=rules.not-clusterable.{name}={value}" for name, value in settings.items()]
    command = ["check", "--isolated", "--select", "CLU001", "--device", "cpu", *flags]
    wall, cpu = time.perf_counter(), time.process_time()
    report = json.loads(_output([*command, "--output-format", "json", str(path)]))
    cpu_seconds, wall_seconds = time.process_time() - cpu, time.perf_counter() - wall
    (verdict,) = report["files"][0]["verdicts"]
    values = verdict["values"]
    names = ("null_mean", "null_std", "z_score", "p_value")
    return Measured(
        observed=values[values["statistic"]],
        **{name: values[name] for name in names},
        cpu_seconds=cpu_seconds,
        wall_seconds=wall_seconds,
    )


def _output(arguments: list[str]) -> str:
    """What a command prints."""
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as printed:
        main(arguments)
    printed.seek(0)
    return printed.read()
