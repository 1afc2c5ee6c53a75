"""The arguments of `modlint spectra`."""

from __future__ import annotations

import argparse
from pathlib import Path

from modlint.cli.clusters_arguments import from_least


def add_spectra_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, what to compute, and what to write."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a file, an index of shards, or a folder"
    )
    parser.add_argument(
        "--base",
        type=Path,
        metavar="FILE",
        help="what an adapter changes, or an earlier checkpoint: adds weights with, or less, it",
    )
    parser.add_argument(
        "--randomize", action="store_true", help="measure shuffled weights too: spikes are traps"
    )
    parser.add_argument(
        "--exact", action="store_true", help="all eigenvalues of the largest matrices, too"
    )
    parser.add_argument(
        "--seed", type=from_least(0), default=0, metavar="N", help="of the shuffles; default: 0"
    )
    parser.add_argument("--output-format", choices=("full", "json", "csv"), default="full")
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="draw exponents, norms and ranks by layer in a .png or .svg file",
    )
    parser.add_argument("--no-progress", action="store_true", help="show no progress on stderr")
