"""Every output format over every file of corpora, read by what consumes it.

    python -m benchmarks.formats [--minutes N] [--again] NAME=FOLDER ...

Checks each file once as the formats ask that draw, and once as the others do, writes both reports
in every format and has each read by its consumer's schema or parser (`consumers.py`); the exit code
of both must be one. Then the command line is run over a sample of the files with each format, with
several outputs at once and with two jobs; and pages of a sample are opened in Chromium. What is
known of a file is kept in benchmarks/cache/formats, so that an interrupted run goes on where it
stopped. The table goes to benchmarks/results/formats.md; the exit code is 1 where something is
wrong.

JUnit reports are held to a schema where benchmarks/cache/formats/junit-10.xsd is there; pytest's
source distribution brings one (testing/example_scripts).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.formats import browser, command_line
from benchmarks.formats.consumers import CONSUMERS, ROOT, faults, junit_schema
from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.report import Report
from modlint.reporter import Shown
from modlint.settings.config import Configuration, Settings

KEPT = ROOT / "benchmarks" / "cache" / "formats"
RESULT = ROOT / "benchmarks" / "results" / "formats.md"
SAMPLE = 12
"""Files that the command line is run over with each format, and whose pages a browser opens."""


def main() -> int:
    """Check what is not known yet, write the table; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpora", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument(
        "--minutes", type=float, default=600, help="stop after these, and go on later"
    )
    parser.add_argument("--sample", type=int, default=SAMPLE, help="files for the command line")
    parser.add_argument("--again", action="store_true", help="forget what is known")
    arguments = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    known = Known(KEPT / "files.json", again=arguments.again)
    files = {name: _files(Path(folder)) for name, _, folder in _pairs(arguments.corpora)}
    until = time.monotonic() + 60 * arguments.minutes
    done = known.learn([path for paths in files.values() for path in paths], until)
    left = 0
    if not done:
        every = sum(map(len, files.values()))
        files = {name: [p for p in paths if known.has(p)] for name, paths in files.items()}
        left = every - sum(map(len, files.values()))
    sample = [
        path for paths in files.values() for path in _spread(paths, arguments.sample // len(files))
    ]
    codes = list(command_line.differences(sample))
    pages = [
        page for paths in files.values() for page in _spread(paths, arguments.sample // len(files))
    ]
    opened = browser.faults(pages)
    lines = list(table(files, known, len(sample), codes, len(sample), opened))
    if left:
        lines.append(f"{left} more files were not reached: the same command goes on with them.")
    text = "\n".join(lines) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)
    return int(
        bool(codes or opened) or any(known.wrong(path) for p in files.values() for path in p)
    )


def _pairs(corpora: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    return (corpus.partition("=") for corpus in corpora)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _spread(paths: Sequence[Path], amount: int) -> Sequence[Path]:
    return paths[:: max(1, len(paths) // max(amount, 1))][:amount]


class Known:
    """What was wrong with each file's reports, kept after each.

    Args:
        path: the file that it is kept in.
        again: whether to begin anew.
    """

    def __init__(self, path: Path, *, again: bool) -> None:
        self._path = path
        self._of: dict[str, Any] = {}
        if path.exists() and not again:
            self._of = json.loads(path.read_text())
        self._registry = load_registry()

    def learn(self, paths: Sequence[Path], until: float) -> bool:
        """Examine the files that are not known, until a time; whether all are known."""
        for number, path in enumerate(paths):
            if str(path) in self._of:
                continue
            if time.monotonic() > until:
                return False
            started = time.monotonic()
            self._of[str(path)] = {"wrong": {"died": ["the process ended"]}, "bytes": {}}
            self._keep()
            self._of[str(path)] = self._examined(path)
            self._keep()
            wrong = self._of[str(path)]["wrong"]
            seconds = time.monotonic() - started
            if wrong or seconds > 20:
                print(f"{number + 1}/{len(paths)} {path} {seconds:.1f} s {wrong}", flush=True)
        return True

    def has(self, path: Path) -> bool:
        """Whether a file was examined."""
        return str(path) in self._of

    def wrong(self, path: Path) -> dict[str, list[str]]:
        """By format, what was wrong with a file's reports."""
        found: dict[str, list[str]] = self._of[str(path)]["wrong"]
        return found

    def nbytes(self, path: Path) -> dict[str, int]:
        """By format, how large the reports were."""
        found: dict[str, int] = self._of[str(path)]["bytes"]
        return found

    def _keep(self) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._of))
        part.replace(self._path)

    def _examined(self, path: Path) -> dict[str, Any]:
        wrong: dict[str, list[str]] = {}
        sizes: dict[str, int] = {}
        try:
            drawn, plain = (self._report(path, draws=draws) for draws in (True, False))
        except Exception:
            return {"wrong": {"check": [traceback.format_exc()[-600:]]}, "bytes": {}}
        if drawn.run.exit_code != plain.run.exit_code:
            wrong["exit code"] = [f"{drawn.run.exit_code} drawn, {plain.run.exit_code} otherwise"]
        for name in CONSUMERS:
            for report in (drawn, plain):
                text, found = self._read(name, report)
                sizes[name] = max(sizes.get(name, 0), len(text.encode("utf-8", "replace")))
                if found:
                    wrong.setdefault(name, []).extend(found[:3])
        return {"wrong": wrong, "bytes": sizes}

    def _read(self, name: str, report: Report) -> tuple[str, list[str]]:
        output = io.StringIO()
        reporter = self._registry.reporters["concise" if name == "counts" else name]
        try:
            reporter.write(report, output, Shown(statistics=name == "counts"))
            return output.getvalue(), list(faults(name, output.getvalue()))
        except Exception:
            return output.getvalue(), [traceback.format_exc()[-600:]]

    def _report(self, path: Path, *, draws: bool) -> Report:
        settings = Settings(device="cpu", rules={"not-clusterable": {"shuffles": 2}})
        configuration = Configuration(
            settings, None, path.parent, portrays=draws, explains=draws, draws=draws
        )
        with warnings.catch_warnings(action="ignore"):
            return check([path], configuration, self._registry, _no_progress)


@contextlib.contextmanager
def _no_progress(*_: Any) -> Iterator[Any]:
    yield lambda *_: None


def table(
    files: dict[str, list[Path]],
    known: Known,
    sampled: int,
    codes: Sequence[str],
    pages: int,
    opened: Sequence[str],
) -> Iterator[str]:
    """The page of results."""
    yield "# The output formats, read by their consumers"
    yield ""
    yield "Reports that the consumer objects to, by corpus, and the largest report."
    yield ""
    yield (
        "| format | "
        + " | ".join(f"{n}, {len(p)} files" for n, p in files.items())
        + " | largest, bytes |"
    )
    yield "|---|" + "---:|" * (len(files) + 1)
    for name in CONSUMERS:
        bad = [sum(name in known.wrong(path) for path in paths) for paths in files.values()]
        largest = max(known.nbytes(p).get(name, 0) for paths in files.values() for p in paths)
        yield f"| {name} | {' | '.join(map(str, bad))} | {largest:,} |"
    for name in ("exit code", "check", "died"):
        bad = [sum(name in known.wrong(path) for path in paths) for paths in files.values()]
        if any(bad) or name == "exit code":
            yield f"| {name} | {' | '.join(map(str, bad))} | |"
    yield ""
    if junit_schema() is None:
        yield "JUnit reports were read by junitparser alone; the schema was not there."
    how = "each format, all at once, two jobs"
    yield f"Exit codes of the command line over {sampled} files, {how}: {len(codes)} differ."
    yield f"Pages of {pages} files in headless Chromium: {len(opened)} errors, dialogs or requests."
    yield from (f"- {line}" for line in (*codes, *opened))


if __name__ == "__main__":
    sys.exit(main())
