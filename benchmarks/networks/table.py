"""The table by architecture and source, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]
CLASSES = ("exact", "partial", "unknown", "wrong", "error", "not exported", "no truth")
_SHORT = {"not exported": "–", "no truth": "?"}


def markdown(rows: Sequence[Row], sources: Sequence[str]) -> str:
    """A summary by source, then a line an architecture."""
    by_place = {(r["architecture"], r["source"]): r for r in rows}
    names = list(dict.fromkeys(r["architecture"] for r in rows))
    lines = [_line(["source", *CLASSES, "layers placed"]), _line(["---"] * (len(CLASSES) + 2))]
    lines += [_summary(source, [r for r in rows if r["source"] == source]) for source in sources]
    lines += ["", _line(["architecture", *sources]), _line(["---"] * (len(sources) + 1))]
    lines += [_line([n, *(_cell(by_place.get((n, s))) for s in sources)]) for n in names]
    return "\n".join([*lines, ""])


def _summary(source: str, rows: Sequence[Row]) -> str:
    counts = Counter(r["class"] for r in rows)
    return _line([source, *(str(counts[c]) for c in CLASSES), _share(rows)])


def _share(rows: Iterable[Row]) -> str:
    known = [r for r in rows if "layers" in r]
    layers = sum(r["layers"] for r in known)
    return f"{sum(r['placed'] for r in known) / layers:.1%}" if layers else "–"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    kind = row["class"]
    if kind in ("partial", "wrong", "unknown") and row["placed"]:
        return f"{kind} {row['share']:.0%}"
    return _SHORT.get(kind, kind)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
