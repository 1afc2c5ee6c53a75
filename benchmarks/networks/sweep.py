"""One step of the sweep: truth, file, claim, judgement; each is kept in the cache."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from truth import records
from truth.claims import ClaimedEdges
from truth.comparing import Judgement, judge
from truth.graph import Edges, Truth
from truth.matching import matches
from truth.oracle import measure
from truth.sources import SOURCES, write
from truth.stored import arrays
from truth.zoo import Architecture, built

from benchmarks.networks import TESTS

MEASURED = TESTS / "truth/measured"
SHOWN = 20  # pairs of a wrong edge that are kept


@dataclass(frozen=True)
class Sweep:
    """Where the sweep keeps its files, and whose claims it judges."""

    cache: Path
    claimed: ClaimedEdges
    again: bool = False

    def truth(self, architecture: Architecture) -> Truth:
        """Measured once, or kept with the tests. A failure is kept too (`truth.failed`)."""
        kept = MEASURED / f"{architecture.name}.json.gz"
        if kept.exists():
            return records.load(kept)
        path = self.cache / architecture.name / "truth.json.gz"
        failed = path.with_name("truth.failed")
        if failed.exists():
            raise ValueError(failed.read_text())
        if not path.exists():
            try:
                records.save(measure(*built(architecture)), path)
            except Exception as error:
                failed.parent.mkdir(parents=True, exist_ok=True)
                failed.write_text(_said(error))
                raise
        return records.load(path)

    def file(self, architecture: Architecture, source: str) -> Path:
        """The exported file.

        Raises:
            ValueError: the exporter failed, now or in an earlier run.
        """
        folder = self.cache / architecture.name
        failed = folder / f"{source}.failed"
        if failed.exists():
            raise ValueError(failed.read_text())
        path = folder / f"model.{SOURCES[source][0]}"
        try:
            return path if path.exists() else write(source, *built(architecture), folder)
        except Exception as error:
            folder.mkdir(parents=True, exist_ok=True)
            failed.write_text(_said(error))
            raise ValueError(_said(error)) from error

    def row(self, architecture: Architecture, source: str) -> dict[str, Any]:
        """The judgement of one file as a JSON row."""
        path = self.cache / architecture.name / f"{source}.judged.json"
        if path.exists() and not self.again:
            found: dict[str, Any] = json.loads(path.read_text())
            return found
        row = {"architecture": architecture.name, "group": architecture.group, "source": source}
        row |= self._judged(architecture, source)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row))
        return row

    def _judged(self, architecture: Architecture, source: str) -> dict[str, Any]:
        try:
            truth = self.truth(architecture)
        except Exception as error:
            return {"class": "no truth", "reason": _said(error)}
        try:
            path = self.file(architecture, source)
        except ValueError as error:
            return {"class": "not exported", "reason": str(error)}
        started = time.perf_counter()
        try:
            claim = self.claimed(path)
        except Exception as error:
            return {"class": "error", "reason": _said(error)}
        seconds = round(time.perf_counter() - started, 3)
        found = matches(arrays(path), _module(architecture), truth)
        row = {**_row(judge(truth, claim, found)), "seconds": seconds}
        return {**row, "unplaced": claim.unplaced}


def _module(architecture: Architecture) -> dict[str, np.ndarray]:
    state = built(architecture)[0].state_dict()
    return {name: value.numpy() for name, value in state.items() if value.ndim > 1}


def _row(found: Judgement) -> dict[str, Any]:
    return {
        "class": found.kind,
        "share": found.share,
        "layers": found.layers,
        "placed": len(found.placed),
        "wrong": _shown(found.wrong),
        "missing": _shown(found.missing),
        "unmatched": sorted(found.unmatched),
    }


def _shown(edges: Edges) -> list[dict[str, Any]]:
    return [
        {"from": a, "to": b, "pairs": len(columns), "columns": sorted(columns)[:SHOWN]}
        for (a, b), columns in sorted(edges.items())
    ]


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
