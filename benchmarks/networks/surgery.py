"""`python -m benchmarks.networks.surgery`: what surgery changes, by architecture; resumable.

Operates on every ONNX file in the sweep's cache that is judged exact.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from truth.surgery import (
    dead,
    difference,
    exchanged,
    feeds,
    killed,
    opened,
    removed,
    scaled,
    units,
)

from benchmarks.networks.kept import Kept, asked, exact, line, ordered

FILES = {"onnx-dynamo": "model.dynamo.onnx", "onnx-ts": "model.ts.onnx"}
SAME = 1e-5
SHARE = 0.25  # of the units that are killed
OPERATIONS = ("exchanged", "scaled", "removed")
EXPLAINED = """Written by `python -m benchmarks.networks.surgery`. Every ONNX file of the sweep
whose network is exact was changed through that network: *exchanged*, units in a random order among
those that stand alike (within heads, groups of norms and of convolutions); *scaled*, units behind a
ReLU by 2, and what reads them by ½; *removed*, after a quarter of the units was killed (weights in,
bias and norm set to zero), the units that modlint calls dead. Beside each count stands the largest
difference of onnxruntime's results (optimisations off, noise as input) over the largest result. Of
the units some may not change place: inputs, results, rotary pairs, what meets constants of its own,
what a layer reads that computes its weight."""


def operated(path: Path, seed: int = 0) -> dict[str, Any]:
    """What each operation on a file touched, and by how much it changed the results."""
    file = opened(path)
    found, given = units(file), feeds(file.model, seed)
    free = [unit for unit in found if not unit.fixed and unit.places]
    rng = np.random.default_rng(seed)
    planted = killed(file, [unit for unit in free if rng.random() < SHARE])
    gone = dead(planted, free)
    results = {
        "exchanged": (file, *exchanged(file, found, seed)),
        "scaled": (file, *scaled(file, found)),
        "removed": (planted, removed(planted, gone), len(gone)),
    }
    row: dict[str, Any] = {"units": sum(bool(unit.places) for unit in found)}
    for name, (before, after, count) in results.items():
        row[name] = count
        row[f"by {name}"] = difference(before.model, after.model, given) if count else None
    return row


def main() -> None:
    """Operate on the files of the cache, and write the table."""
    warnings.simplefilter("ignore")
    arguments = asked("python -m benchmarks.networks.surgery", __doc__)
    kept = Kept(arguments.kept or arguments.cache, arguments.again)
    rows = []
    for folder in ordered(arguments.cache, arguments.only):
        for source, name in FILES.items():
            if exact(folder, source):
                row = kept.row(folder.name, f"{source}.surgery", partial(operated, folder / name))
                rows.append({"architecture": folder.name, "source": source, **row})
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "networks-surgery.md").write_text(_markdown(rows))


def _markdown(rows: list[dict[str, Any]]) -> str:
    run = [row for row in rows if "error" not in row]
    lines = ["# Surgery through rebuilt networks", "", EXPLAINED, ""]
    lines += [f"onnxruntime {onnxruntime.__version__}.", ""]
    head = ["operation", "files", "architectures", "units", "largest difference", f"over {SAME:g}"]
    lines += [line(head), line(["---"] * len(head))]
    lines += [line(_summary(operation, run)) for operation in OPERATIONS]
    failed = (row for row in rows if "error" in row)
    lines += [
        "",
        *(f"- not run: {r['architecture']} ({r['source']}): {r['error']}" for r in failed),
    ]
    columns = ["architecture", "source", "units"]
    columns += [column for operation in OPERATIONS for column in (operation, "difference")]
    lines += [""]
    lines += [line(columns), line(["---"] * len(columns))]
    lines += [line(_cells(row)) for row in run]
    return "\n".join([*lines, ""])


def _summary(operation: str, rows: list[dict[str, Any]]) -> list[str]:
    done = [row for row in rows if row[operation]]
    differences = [row[f"by {operation}"] for row in done]
    return [
        operation,
        str(len(done)),
        str(len({row["architecture"] for row in done})),
        f"{sum(row[operation] for row in done):,}",
        f"{max(differences, default=0):.1e}",
        str(sum(not value <= SAME for value in differences)),
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    cells = [row["architecture"], row["source"], str(row["units"])]
    for operation in OPERATIONS:
        value = row[f"by {operation}"]
        cells += [str(row[operation]), "–" if value is None else f"{value:.1e}"]
    return cells


if __name__ == "__main__":
    main()
