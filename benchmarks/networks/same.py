"""`python -m benchmarks.networks.same`: is the network the same from every source? Resumable."""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

from truth.rebuilt import rebuilt
from truth.same import Form, difference, form_of
from truth.sources import SOURCES

from benchmarks.networks import TESTS

ROOT = TESTS.parent
FIRST = ("pt2", "onnx-dynamo", "onnx-ts", "torchscript")


def compared(folder: Path, sources: list[str]) -> dict[str, Any]:
    """By source, how its network differs from that of the first source; {} for not at all."""
    forms: dict[str, Form] = {}
    row: dict[str, Any] = {}
    for source in sources:
        try:
            forms[source] = form_of(rebuilt(folder / f"model.{SOURCES[source][0]}"))
            found = difference(forms[sources[0]], forms[source])
            parts = {"unmatched": found.unmatched, "missing": found.missing, "other": found.other}
            row[source] = {key: part for key, part in parts.items() if part}
        except Exception as error:
            import traceback; traceback.print_exc()
            row[source] = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        if source != sources[0]:
            forms.pop(source, None)
    return row


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks.same")
    parser.add_argument("--cache", type=Path, default=ROOT / "benchmarks/cache/networks")
    parser.add_argument("--kept", type=Path, help="where rows are kept; the cache by default")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    for folder in sorted(arguments.cache.iterdir()):
        if arguments.only and folder.name not in arguments.only:
            continue
        path = (arguments.kept or arguments.cache) / folder.name / "same.json"
        sources = [s for s in (*FIRST, *(s for s in SOURCES if s not in FIRST)) if _exact(folder, s)]
        if len(sources) > 1 and (arguments.again or not path.exists()):
            started = time.perf_counter()
            row = compared(folder, sources)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(row))
            print(folder.name, row, f"{time.perf_counter() - started:.1f} s", flush=True)


def _exact(folder: Path, source: str) -> bool:
    path = folder / f"{source}.judged.json"
    return path.exists() and json.loads(path.read_text())["class"] == "exact"


if __name__ == "__main__":
    main()
