"""`modlint clean`."""

from __future__ import annotations

import argparse

from modlint.cli.messages import show
from modlint.engine.cache.folder import CacheFolder, default_folder
from modlint.text import count


def run(arguments: argparse.Namespace) -> int:
    """Remove what is kept; what else is in the folder stays."""
    folder = CacheFolder(arguments.cache_dir or default_folder())
    number, nbytes = folder.clear()
    show(f"{folder.path}: {count(number, 'outcome')} removed, {nbytes:,} bytes\n")
    return 0
