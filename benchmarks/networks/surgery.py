"""`python -m benchmarks.networks.surgery`: what surgery changes, by architecture; resumable."""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from truth.surgery import (
    File,
    Unit,
    difference,
    exchanged,
    feeds,
    killed,
    opened,
    removed,
    scaled,
    units,
)

ROOT = Path(__file__).resolve().parents[2]
FILES = {"onnx-dynamo": "model.dynamo.onnx", "onnx-ts": "model.ts.onnx"}


def operated(path: Path, seed: int = 0) -> dict[str, Any]:
    """What each operation on a file touched, and by how much it changed the results."""
    file = opened(path)
    found = units(file)
    given = feeds(file.model, seed)
    other, moved = exchanged(file, found, seed)
    times, stretched = scaled(file, found)
    row = {
        "units": sum(bool(u.places) for u in found),
        "exchanged": moved,
        "by exchange": difference(file.model, other.model, given) if moved else None,
        "scaled": stretched,
        "by scale": difference(file.model, times.model, given) if stretched else None,
    }
    return {**row, **_removal(file, found, seed)}


def _removal(file: File, found: list[Unit], seed: int) -> dict[str, Any]:
    from truth.surgery.dead import dead

    free = [u for u in found if not u.fixed and u.places]
    rng = np.random.default_rng(seed)
    planted = killed(file, [u for u in free if rng.random() < 0.25])
    gone = dead(planted, free)
    given = feeds(file.model, seed)
    shown = difference(planted.model, removed(planted, gone).model, given) if gone else None
    return {"removed": len(gone), "by removal": shown}


def main() -> None:
    """Operate on every file of the cache that is judged exact, and write the table."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.surgery")
    parser.add_argument("--cache", type=Path, default=ROOT / "benchmarks/cache/networks")
    parser.add_argument("--kept", type=Path, help="where rows are kept; the cache by default")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    names = sorted(path.name for path in arguments.cache.iterdir() if path.is_dir())
    rows = []
    for name in names:
        for source in FILES:
            if not arguments.only or name in arguments.only:
                rows += _row(arguments, name, source)


def _row(arguments: argparse.Namespace, name: str, source: str) -> list[dict[str, Any]]:
    judged = arguments.cache / name / f"{source}.judged.json"
    if not judged.exists() or json.loads(judged.read_text())["class"] != "exact":
        return []
    path = (arguments.kept or arguments.cache) / name / f"{source}.surgery.json"
    if not path.exists() or arguments.again:
        started = time.perf_counter()
        try:
            row = operated(arguments.cache / name / FILES[source])
        except Exception as error:
            import traceback
            traceback.print_exc()
            row = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        row = {"architecture": name, "source": source, **row}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))
        print(row, f"{time.perf_counter() - started:.1f} s", flush=True)
    return [json.loads(path.read_text())]


if __name__ == "__main__":
    main()
