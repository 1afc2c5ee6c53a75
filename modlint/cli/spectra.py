"""`modlint spectra FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from modlint.analysis.base import Progress
from modlint.analysis.spectra import TensorSpectrum
from modlint.builder import Built
from modlint.cli import WRONG_USAGE
from modlint.cli.clusters_files import require_writable
from modlint.cli.messages import say, show
from modlint.cli.progress import progress_on_stderr
from modlint.cli.spectra_layers import layers_of, measured
from modlint.engine.examine import FileExamination
from modlint.engine.load_model import load_model
from modlint.engine.registry import Registry, load_registry
from modlint.errors import UnreadableError, UsageError
from modlint.portraits.spectra_document import SpectraDocument


def run(arguments: argparse.Namespace) -> int:
    """Show the spectra of a file's weights; exit code 2 where it has none."""
    require_writable(None, arguments.picture)
    registry = load_registry()
    registry.load_all()
    say(registry.problems)
    analysis = TensorSpectrum(
        shuffles=arguments.randomize, exact=arguments.exact, seed=arguments.seed
    )
    with (
        progress_on_stderr(enabled=not arguments.no_progress) as files,
        files(arguments.file, 0, 1) as progress,
    ):
        file = _examination(arguments.file, registry, progress)
        base = None
        if arguments.base is not None:
            base = _examination(arguments.base, registry, progress)
        layers, unavailable = measured(list(layers_of(file, base, analysis)), progress)
    named = None if arguments.base is None else str(arguments.base)
    document = SpectraDocument.of(str(arguments.file), named, layers, unavailable)
    _write(document, arguments.output_format, arguments.picture)
    say(file.internal_errors)
    if not layers:
        say([f"{arguments.file}: no layer weight has a spectrum"])
    return WRONG_USAGE if file.internal_errors or not layers else 0


def _examination(path: Path, registry: Registry, progress: Progress) -> FileExamination:
    """What is in a file, without its networks.

    Raises:
        UsageError: it cannot wholly be read.
    """
    try:
        checkpoint = load_model(path, registry.readers)
    except UnreadableError as error:
        raise UsageError(f"{path}: {error}") from error
    return FileExamination(checkpoint, Built(()), "cpu", progress, [], computing=registry.computing)


def _write(document: SpectraDocument, output_format: str, picture: Path | None) -> None:
    if picture is not None and document.layers:
        from modlint.portraits.spectra_picture import draw

        draw(picture, document)
    if output_format == "json":
        show(document.to_json())
    elif output_format == "csv":
        show(document.to_csv())
    else:
        from modlint.portraits.spectra_table import spectra_table

        show(spectra_table(document, sys.stdout))
