"""`python -m benchmarks.mutation --sample 200 --seed 0`: what do the tests not notice?"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.mutation.campaign import Server, each, judge, record
from benchmarks.mutation.ledger import Ledger, report
from benchmarks.mutation.mutants import Mutant, mutants, sample
from benchmarks.mutation.selection import Suite
from benchmarks.mutation.workspace import ROOT, digest, tracked

PATHS = (
    "plugins/modlint_plugins/archives",
    "plugins/modlint_plugins/pickling",
    "plugins/modlint_plugins/readers",
    "plugins/modlint_plugins/sweep",
    "plugins/modlint_plugins/code",
    "rules/modlint_rules/safety",
)
LEDGER = Path("benchmarks/results/mutation.json")


def main() -> int:
    """Run the sample; the exit code is 1 where less is noticed than asked for."""
    options = _options()
    files = list(_python_files(options.paths))
    ledger = Ledger(options.resume or options.ledger)
    ledger.path = options.ledger
    drawn = _drawn(options, ledger, [ROOT / name for name in files])
    with tempfile.TemporaryDirectory(prefix="modlint-mutation-") as folder:
        tests = Suite(ROOT, _recorded(files, Path(folder), options))
        servers = [Server(Path(folder, f"mutant{i}")) for i in range(options.jobs)]

        def work(server: Server, mutant: Mutant) -> tuple[Mutant, dict[str, Any]]:
            return mutant, judge(server, mutant, tests)

        for number, (mutant, told) in enumerate(each(servers, drawn, work)):
            ledger.add(mutant, (ROOT / mutant.path).read_bytes(), told)
            ledger.write(sample=options.sample, seed=options.seed)
            place = f"{mutant.path}:{mutant.line} {mutant.operator}"
            said = f"{number + 1}/{len(drawn)} {told['outcome']} {told['seconds']} s {place}"
            print(said, flush=True)
        for server in servers:
            server.close()
    described = (
        f"A sample of {options.sample} lines, seed {options.seed}, a mutant of each. Of"
        f" {len(tests.seconds):,} tests those were run that execute what the mutant changes."
    )
    options.ledger.with_suffix(".md").write_text("\n".join(report(ledger, described)) + "\n")
    print(f"{ledger.share_noticed:.1%} of {len(ledger.outcomes)} noticed")
    return int(ledger.share_noticed < options.at_least)


def _drawn(options: argparse.Namespace, ledger: Ledger, files: list[Path]) -> list[Mutant]:
    """The mutants to run; the ledger then holds those of the others that count."""
    if options.again:
        wanted = {told["id"] for told in ledger.outcomes.values() if not ledger.noticed(told)}
        return [m for path in files for m in mutants(ROOT, path) if m.id in wanted]
    drawn = sample(ROOT, files, options.sample, options.seed)
    there = {m.id for path in files for m in mutants(ROOT, path)} if options.resume else set()
    ledger.keep(there)
    left = [mutant for mutant in drawn if mutant.id not in ledger.outcomes]
    return left[: max(options.sample - len(ledger.outcomes), 0)]


def _recorded(files: list[str], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The record of the tests, kept among the machine's temporary files for the same code."""
    trees = ("modlint/", "plugins/", "rules/", "tests/")
    summed = digest([name for name in tracked() if name.startswith(trees)])
    chosen = hashlib.sha256("\n".join([*files, *options.tests]).encode()).hexdigest()[:8]
    kept = Path(tempfile.gettempdir(), f"modlint-tests-{summed}-{chosen}.json")
    if not kept.exists():
        servers = [Server(folder / f"record{i}") for i in range(options.jobs)]
        kept.write_text(json.dumps(record(servers, files, options.tests)))
        for server in servers:
            server.close()
    told: dict[str, Any] = json.loads(kept.read_text())
    return told


def _python_files(paths: Iterable[str]) -> Iterable[str]:
    """Files, and those in folders, relative to the root."""
    for path in paths:
        found = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("*.py"))
        yield from (file.relative_to(ROOT).as_posix() for file in found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="number of lines to change")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--paths", nargs="+", default=PATHS, metavar="PATH", help="what to change")
    asked = "ask only tests whose path begins so"
    parser.add_argument("--tests", nargs="+", default=["tests/"], metavar="PATH", help=asked)
    parser.add_argument("--jobs", type=int, default=2, help="copies in which tests run at a time")
    parser.add_argument("--ledger", type=Path, default=LEDGER, help="where the outcomes go")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep what still stands")
    parser.add_argument("--again", action="store_true", help="run only what was not noticed")
    parser.add_argument("--at-least", type=float, default=0.9, help="share that must be noticed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
