"""`python -m benchmarks.networks.same`: is a network the same from every source? Resumable.

Compares the files in the sweep's cache that are judged exact.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from truth import records
from truth.rebuilt import rebuilt
from truth.same import TOLERANCE, difference, form_of
from truth.sources import SOURCES

from benchmarks.networks import TESTS
from benchmarks.networks.kept import Kept, Row, asked, exact, line, ordered

FIRST = ("pt2", "onnx-dynamo", "onnx-ts", "torchscript")
ORDER = (*FIRST, *(source for source in SOURCES if source not in FIRST))
EXPLAINED = f"""Written by `python -m benchmarks.networks.same`. Of each architecture every file
whose network is exact is compared with the first of them: rows of weights are matched by value with
the norms around them folded in, to {TOLERANCE:g} of the row's largest element; each row's columns
must read the same rows. Names, order, fused projections and the order of gates play no part, nor do
tables that are read at fixed places, which exporters write as constants."""


def compared(folder: Path, sources: list[str]) -> Row:
    """By source, how its network differs from that of the first source; {} for not at all."""
    first, tables = None, set[str]()
    row: Row = {}
    for source in sources:
        form = form_of(rebuilt(folder / f"model.{SOURCES[source][0]}"))
        if first is None:
            first, tables = form, _tables(folder, form.weights) if source == "pt2" else set()
        found = vars(difference(first, form, tables))
        row[source] = {kind: calls for kind, calls in found.items() if calls}
    return row


def _tables(folder: Path, weights: Iterable[str]) -> set[str]:
    """Weights that are no layers: tables that are read at fixed places."""
    kept = TESTS / "truth/measured" / f"{folder.name}.json.gz"
    truth = records.load(kept if kept.exists() else folder / "truth.json.gz")
    return {name for name in weights if truth.aliases.get(name, name) not in truth.counted}


def main() -> None:
    """Compare the files of the cache, and write the table."""
    warnings.simplefilter("ignore")
    arguments = asked("python -m benchmarks.networks.same", __doc__)
    kept = Kept(arguments.kept or arguments.cache, arguments.again)
    rows = {}
    for folder in ordered(arguments.cache, arguments.only):
        sources = [source for source in ORDER if exact(folder, source)]
        if len(sources) > 1:
            rows[folder.name] = kept.row(folder.name, "same", partial(compared, folder, sources))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "networks-same.md").write_text(_markdown(rows))


def _markdown(rows: dict[str, Row]) -> str:
    run = {name: row for name, row in rows.items() if "error" not in row}
    agree = [name for name, row in run.items() if not any(row.values())]
    sources = Counter(len(run[name]) for name in agree)
    lines = ["# The same network from every source", "", EXPLAINED, ""]
    lines += [f"{len(agree)} of {len(rows)} architectures agree over all their sources (sources: "]
    lines[-1] += ", ".join(f"{n}: {count}" for n, count in sorted(sources.items())) + ")."
    lines += ["", *(f"- not compared: {n}: {r['error']}" for n, r in rows.items() if "error" in r)]
    lines += ["", line(["architecture", *ORDER]), line(["---"] * (len(ORDER) + 1))]
    lines += [line([name, *(_cell(row, s) for s in ORDER)]) for name, row in run.items()]
    return "\n".join([*lines, ""])


def _cell(row: Row, source: str) -> str:
    if source not in row:
        return ""
    if not row[source]:
        return "same" if source != next(iter(row)) else "first"
    return "; ".join(f"{kind}: {_calls(calls)}" for kind, calls in row[source].items())


def _calls(calls: dict[str, Any]) -> str:
    names = ", ".join(list(calls)[:3])
    return names if len(calls) <= 3 else f"{names} and {len(calls) - 3} more"


if __name__ == "__main__":
    main()
