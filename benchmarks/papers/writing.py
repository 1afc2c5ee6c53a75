"""The command of each study: its table on the page of its name under results/papers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

RESULTS = Path(__file__).parents[1] / "results" / "papers"


def write(
    name: str,
    about: str | None,
    report: Callable[..., Iterable[str]],
    seeds: int,
    *,
    needs_data: bool = False,
) -> None:
    """Run a study as the command line asks, and write its lines.

    Args:
        name: of its page, without an end.
        about: the help text.
        report: the lines, by the number of seeds, and by the folder of data where it needs one.
        seeds: their number unless `--seeds` says another.
        needs_data: whether `--data` must name a folder.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.md")
    parser.add_argument("--seeds", type=int, default=seeds)
    if needs_data:
        parser.add_argument("--data", type=Path, required=True, help="folder with mnist.npz")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    given = (arguments.data,) if needs_data else ()
    text = "\n".join(report(arguments.seeds, *given)) + "\n"
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


def ranged(values: Sequence[float], form: str = ".2f") -> str:
    """The least and the largest of values, or the one where they read alike."""
    low, high = (format(value, form) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
