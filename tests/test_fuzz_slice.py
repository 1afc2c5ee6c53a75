"""A seeded slice of the fuzzing campaign: no crash, no hang, no traceback, bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_a_slice_of_the_campaign_breaks_no_bound(tmp_path: Path) -> None:
    options = ("--count", "200", "--seed", "7", "--jobs", "1", "--ledger", tmp_path / "ledger")
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "200 mutants, 0 broke a bound" in run.stdout
