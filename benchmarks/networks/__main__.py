"""`python -m benchmarks.networks`: resumable; a deleted file of the cache is made anew."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
import warnings
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs/networks.md"
MARKS = "<!-- measured -->", "<!-- /measured -->"


def main() -> None:
    """Run the sweep and write its tables."""
    warnings.simplefilter("ignore")
    os.environ.setdefault("TQDM_DISABLE", "1")
    torch.set_num_threads(1)
    arguments = _arguments()
    from benchmarks.networks import vision  # noqa: F401  (puts the tests on the path)
    from benchmarks.networks.sweep import Sweep
    from benchmarks.networks.table import markdown

    sweep = Sweep(arguments.cache, _claims(arguments.claims), arguments.again)
    rows = []
    for architecture in _chosen(arguments):
        if arguments.measure:
            _measure(sweep, architecture)
            continue
        for source in arguments.sources:
            row = sweep.row(architecture, source)
            rows.append(row)
            print(
                row["architecture"],
                source,
                row["class"],
                row.get("reason", f"{row.get('share', 0):.0%}")[:150],
                flush=True,
            )
    if not rows:
        return
    wrong = [r for r in rows if r["class"] in ("wrong", "error")]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "networks-wrong.json").write_text(json.dumps(wrong, indent=1))
    table = markdown(rows, arguments.sources)
    (arguments.out / "networks.md").write_text(table)
    if arguments.docs:
        before, after = (PAGE.read_text().split(mark)[i] for i, mark in enumerate(MARKS))
        PAGE.write_text(f"{before}{MARKS[0]}\n\n{table}\n{MARKS[1]}{after}")
    print("\n".join(table.splitlines()[: 2 + len(arguments.sources)]))


def _measure(sweep, architecture) -> None:
    started = time.perf_counter()
    try:
        truth = sweep.truth(architecture)
        said = f"{len(truth.layers)} layers, {len(truth.required)} edges"
    except Exception as error:
        said = f"{type(error).__name__}: {str(error)[:200]}"
    print(architecture.name, said, f"{time.perf_counter() - started:.1f} s", flush=True)


def _arguments() -> argparse.Namespace:
    from truth.sources import SOURCES

    from benchmarks.networks import TESTS  # noqa: F401

    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__)
    parser.add_argument("--sources", default=",".join(SOURCES), type=lambda s: s.split(","))
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="an architecture or a group"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "benchmarks/cache/networks", metavar="DIR"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results", metavar="DIR")
    parser.add_argument("--docs", action="store_true", help="renew the table of docs/networks.md")
    parser.add_argument("--again", action="store_true", help="judge anew; truth and files are kept")
    parser.add_argument(
        "--claims", type=Path, metavar="FILE.py", help="another builder: its claimed_edges(path)"
    )
    parser.add_argument("--measure", action="store_true", help="only measure the truth")
    return parser.parse_args()


def _claims(path: Path | None):
    if path is None:
        from truth.claims import claimed_edges

        return claimed_edges
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module.claimed_edges


def _chosen(arguments: argparse.Namespace) -> list:
    from truth.zoo import ZOO

    from benchmarks.networks.vision import architectures

    everything = [*ZOO.values(), *architectures()]
    only = set(arguments.only)
    return [a for a in everything if not only or {a.name, a.group} & only]


if __name__ == "__main__":
    main()
