"""What the commands over the sweep's cache share: arguments, order, rows that are kept."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.networks import TESTS

ROOT = TESTS.parent
Row = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """Rows as JSON files, one folder an architecture."""

    folder: Path
    again: bool = False

    def row(self, architecture: str, name: str, made: Callable[[], Row]) -> Row:
        """A row, made once; what it raises is a row too."""
        path = self.folder / architecture / f"{name}.json"
        if self.again or not path.exists():
            started = time.perf_counter()
            try:
                row = made()
            except Exception as error:
                row = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(row))
            print(architecture, name, row, f"{time.perf_counter() - started:.1f} s", flush=True)
        found: Row = json.loads(path.read_text())
        return found


def asked(program: str, description: str | None) -> argparse.Namespace:
    """The arguments of a command over the cache."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--cache", type=Path, default=ROOT / "benchmarks/cache/networks")
    parser.add_argument("--kept", type=Path, metavar="DIR", help="of rows; by default the cache")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results", metavar="DIR")
    parser.add_argument("--again", action="store_true", help="make rows anew that are kept")
    return parser.parse_args()


def ordered(cache: Path, only: Collection[str] = ()) -> Iterator[Path]:
    """The folders of a cache, large networks last."""
    folders = (path for path in cache.iterdir() if path.is_dir())
    order = sorted(folders, key=lambda path: (path.name.startswith(("timm", "torchvision")), path))
    yield from (path for path in order if not only or path.name in only)


def exact(folder: Path, source: str) -> bool:
    """Whether the sweep judged a file exact."""
    path = folder / f"{source}.judged.json"
    return path.exists() and json.loads(path.read_text())["class"] == "exact"


def line(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
