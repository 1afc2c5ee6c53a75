"""`python -m benchmarks.fuzz --count 20000 --seed 0 --corpus DIR`: fuzz, or take it up again."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from benchmarks.fuzz.campaign import Campaign, Ledger, Mutants, batch

_BATCH = 250


def main() -> int:
    """Run the campaign; the exit code is 1 where a mutant broke a bound."""
    arguments = _arguments()
    campaign = Campaign(arguments.seed, arguments.corpus, arguments.grammar)
    if arguments.write is not None:
        name, content = Mutants(campaign).make(arguments.write)
        Path(f"mutant-{arguments.write}").write_bytes(content)
        print(f"mutant-{arguments.write}, of {name}")
        return 0
    ledger = Ledger(arguments.ledger)
    begins = [b for b in range(0, arguments.count, _BATCH) if b not in ledger.done]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        ranges = (range(b, min(b + _BATCH, arguments.count)) for b in begins)
        futures = [pool.submit(batch, campaign, r) for r in ranges]
        for future in as_completed(futures):
            indices, failures, seconds = future.result()
            ledger.add(indices.start, len(indices), failures, seconds)
            for failure in failures:
                print(f"{failure.index} ({failure.seed_file}): {failure.problem}", flush=True)
            print(f"{indices.start}: {len(indices)} in {seconds:.0f} s", file=sys.stderr)
    print(f"{arguments.count:,} mutants, {len(ledger.failures):,} broke a bound")
    return int(bool(ledger.failures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="number of mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--grammar", type=float, default=0.25, help="share from the grammar")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes at a time")
    parser.add_argument("--ledger", type=Path, default=Path("fuzz.jsonl"), help="where it goes on")
    parser.add_argument("--write", type=int, metavar="INDEX", help="only write this mutant")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
