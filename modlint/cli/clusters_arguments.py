"""The arguments of `modlint clusters`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from modlint.analysis.lesions import ACTIVATIONS, GROUPS
from modlint.analysis.partitions import SEEDS


def add_clusters_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, what to compute, and what to write."""
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--clusters",
        type=from_least(2),
        metavar="N",
        help="default: as many as stand out by CLU007's test",
    )
    parser.add_argument(
        "--method",
        choices=("matched", "filan2021"),
        default="matched",
        help="cluster the balanced graph, as CLU007, or the weights, as CLU001; default: matched",
    )
    parser.add_argument(
        "--shuffles",
        type=from_least(0),
        metavar="N",
        help="networks to compare with, by either test; 0 for none; default: 99 and 50",
    )
    parser.add_argument(
        "--seeds",
        type=from_least(1),
        default=SEEDS,
        metavar="N",
        help=f"partitions that are compared with one another; default: {SEEDS}",
    )
    parser.add_argument(
        "--seed",
        type=from_least(0),
        default=0,
        metavar="N",
        help="of everything random; default: 0",
    )
    parser.add_argument("--network", metavar="ID", help="only this one, or block, by its id")
    parser.add_argument(
        "--max-connections",
        type=from_least(1),
        metavar="N",
        help="of larger networks the blocks are clustered; default: 2,500,000",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--output-format", choices=("full", "json", "csv"), default="full")
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="write each neuron's cluster to a .json or .csv file",
    )
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="draw weights, eigenvalues and shuffles in a .png or .svg file",
    )
    data = parser.add_argument_group("what clusters do", "silences them, and runs the network")
    data.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="a .npz file with `inputs` and `labels`: the network is run without each cluster",
    )
    data.add_argument(
        "--random-groups",
        type=from_least(1),
        default=GROUPS,
        metavar="N",
        help=f"random groups of units to compare each cluster with; default: {GROUPS}",
    )
    data.add_argument(
        "--activation",
        choices=ACTIVATIONS,
        help="between the layers of a file that does not tell",
    )
    parser.add_argument("--no-progress", action="store_true", help="show no progress on stderr")


def from_least(least: int) -> Callable[[str], int]:
    """What reads a whole number that is not below `least`."""

    def whole_number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is below {least}")
        return value

    return whole_number
