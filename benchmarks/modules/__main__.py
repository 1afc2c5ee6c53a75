"""Tests networks without modules, and with, and says how often modules are found.

    python -m benchmarks.modules calibration --networks 600
    python -m benchmarks.modules power --seeds 20
    python -m benchmarks.modules files --folder FOLDER --seeds 5
    python -m benchmarks.modules table

Each network's result is a line of results/modules-WHAT.jsonl, so that an interrupted run goes on
where it stopped, and several may run side by side (`--part 1/2`, `--part 2/2`). `table` writes
results/modules.md of what is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.modules.files import files_in, verdicts
from benchmarks.modules.networks import Kind, network, without_modules
from benchmarks.modules.table import table
from modlint.analysis.modules import MatchedTest
from modlint.errors import Unavailable

RESULTS = Path(__file__).resolve().parents[1] / "results"
SIZES = (200, 400, 800)
PLANTED = {
    "plain": {},
    "strengths": {"strengths": "independent", "sigma": 1.0},
    "correlated strengths": {"strengths": "correlated", "sigma": 1.0},
    "rescaled": {"scale": "rescaled"},
    "strengths, rescaled": {"strengths": "independent", "sigma": 1.0, "scale": "rescaled"},
    "unbalanced": {"unbalanced": True},
    "depth 2": {"depth": 2},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["calibration", "power", "files", "table"])
    parser.add_argument("--networks", type=int, default=600)
    parser.add_argument(
        "--seeds",
        type=int,
        default=20,
        help="networks of each kind, for power; of CLU007, for files",
    )
    parser.add_argument("--shuffles", type=int, default=99, help="exchanges; 19 give p = .05 too")
    parser.add_argument("--part", default="1/1", help="of several runs side by side")
    parser.add_argument("--hours", type=float, default=24.0, help="when to stop")
    parser.add_argument("--folder", type=Path, help="of checkpoints, for files")
    asked = parser.parse_args(arguments)
    if asked.what == "table":
        (RESULTS / "modules.md").write_text(table(RESULTS))
        return 0
    if asked.what == "files":
        return _of_files(asked.folder, asked.seeds, time.monotonic() + 3600 * asked.hours)
    mine, parts = map(int, asked.part.split("/"))
    cases = _null(asked.networks) if asked.what == "calibration" else _planted(asked.seeds)
    file, end = RESULTS / f"modules-{asked.what}.jsonl", time.monotonic() + 3600 * asked.hours
    known = {line["name"] for line in lines(file)}
    for place, (name, kind, seed) in enumerate(cases):
        if place % parts == mine - 1 and name not in known and time.monotonic() < end:
            found = (
                {"name": name, "seed": seed} | asdict(kind) | measured(kind, seed, asked.shuffles)
            )
            with file.open("a") as stream:
                stream.write(json.dumps(found) + "\n")
    return 0


def _of_files(folder: Path, seeds: int, end: float) -> int:
    file = RESULTS / "modules-files.jsonl"
    known = {line["name"] for line in lines(file)}
    for path in files_in(folder):
        name = str(path.relative_to(folder))
        if name not in known and time.monotonic() < end:
            with file.open("a") as stream:
                stream.write(json.dumps({"name": name, "verdicts": verdicts(path, seeds)}) + "\n")
    return 0


def lines(file: Path) -> list[dict[str, object]]:
    """What a run has found."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def measured(kind: Kind, seed: int, shuffles: int) -> dict[str, object]:
    """What the test says of a network."""
    inputs, start = network(kind, seed), time.process_time()
    try:
        found = MatchedTest(shuffles=shuffles, seed=seed).compute(inputs.network, inputs)
    except Unavailable as unavailable:
        return {"shuffles": shuffles, "reason": str(unavailable)}
    return {
        "shuffles": shuffles,
        "p": found.p_value,
        "clusters": found.clusters,
        "effect": found.effect_size,
        "left_out": found.unconnected + found.negligible,
        "neurons": found.neurons,
        "cpu_s": round(time.process_time() - start, 2),
    }


def _null(networks: int) -> Iterator[tuple[str, Kind, int]]:
    for number in range(networks):
        yield str(number), without_modules(number), number


def _planted(seeds: int) -> Iterator[tuple[str, Kind, int]]:
    for seed in range(seeds):
        for units in SIZES:
            for up in (2.0, 4.6):
                for title, more in PLANTED.items():
                    kind = replace(Kind(units=units, modules=10, up=up), **more)
                    yield f"× {up:g} {title}, {units} units, {seed}", kind, seed
            side_by_side = Kind(units=units, separate=True)
            yield f"two side by side, {units} units, {seed}", side_by_side, seed


if __name__ == "__main__":
    sys.exit(main())
