"""Whether two checkouts of modlint say the same of the same files.

Usage: python benchmarks/same_verdicts.py BEFORE AFTER PATH... [--most N] [--save FILE]

BEFORE and AFTER are checkouts, or JSON reports that an earlier run saved. Each checkout checks the
files in a process of its own; the reports are compared but for their seconds, and every difference
is listed. Keys that only AFTER has are told and are none: the report's contract is additive. The
exit code is 1 where there is a difference.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LISTED = 60
SOURCES = (".", "rules", "plugins", "plugins/modlint-train")
OPTIONS = ("--isolated", "--no-progress", "--fail-on", "never", "--output-format", "json")
IGNORED = frozenset({"seconds"})


def report(checkout: Path, paths: list[Path], options: list[str]) -> dict[str, Any]:
    """What a checkout says of the files; or a report that was saved."""
    if checkout.is_file():
        return dict(json.loads(checkout.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        _write_metadata(checkout, Path(folder))
        places = [folder, *(str((checkout / source).resolve()) for source in SOURCES)]
        done = subprocess.run(
            [sys.executable, "-m", "modlint", "check", *OPTIONS, *options, *map(str, paths)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
            cwd=folder,
            stdout=subprocess.PIPE,
            check=False,
        )
    return dict(json.loads(done.stdout))


def _write_metadata(checkout: Path, folder: Path) -> None:
    """The checkout's entry points, in place of those of what is installed."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / "modlint-0.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: modlint\nVersion: 0.0.0\n")
    points = project["entry-points"]["modlint"].items()
    lines = ["[modlint]", *(f"{name} = {module}" for name, module in points), ""]
    (info / "entry_points.txt").write_text("\n".join(lines))


def differences(before: Any, after: Any, where: str) -> Iterator[str]:
    """Each place where two reports differ; keys that only the second has are no difference."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in IGNORED:
                continue
            if key in after:
                yield from differences(value, after[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}: is gone"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, f"{where}[{index}]")
    elif before != after:
        yield f"{where}: {_shown(before)} became {_shown(after)}"


def added(before: Any, after: Any, where: str) -> Iterator[str]:
    """Keys that only the second report has, elements of lists told as one."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in after.items():
            if key not in before:
                yield f"{where}.{key}"
            else:
                yield from added(before[key], value, f"{where}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for pair in zip(before, after, strict=False):
            yield from added(*pair, f"{where}[]")


def _shown(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "rule" in value[0]:
        value = [f"{verdict['rule']} {verdict['outcome']}" for verdict in value]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"


def chosen(folders: list[Path], most: int | None, largest: int) -> list[Path]:
    """Files of the folders below a size, spread evenly over them where they are more than wanted.

    Args:
        folders: files, or folders that are searched.
        most: number of files wanted, None for all.
        largest: bytes.
    """
    files = [
        file.resolve()
        for folder in folders
        for file in ([folder] if folder.is_file() else sorted(folder.rglob("*")))
        if file.is_file() and file.stat().st_size <= largest
    ]
    if most is None or len(files) <= most:
        return files
    return [files[index * len(files) // most] for index in range(most)]


def main() -> int:
    """Compare, and list what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--most", type=int, help="number of files to choose")
    parser.add_argument("--largest", type=int, default=1 << 25, help="bytes of a file")
    parser.add_argument("--save", type=Path, help="where to save the report of BEFORE")
    parser.add_argument("--option", action="append", default=[], help="further one of the check")
    arguments = parser.parse_args()
    files = chosen(arguments.paths, arguments.most, arguments.largest)
    before = report(arguments.before, files, arguments.option)
    if arguments.save is not None:
        arguments.save.write_text(json.dumps(before), encoding="utf-8")
    after = report(arguments.after, files, arguments.option)
    for key in dict.fromkeys(added(before, after, "$")):
        print(f"new key {key}")
    found = list(differences(before, after, "$"))
    for line in found[:LISTED]:
        print(line)
    verdicts = sum(len(file["verdicts"]) for file in before["files"])
    print(f"{len(before['files'])} files, {verdicts} verdicts: {len(found)} differences")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
