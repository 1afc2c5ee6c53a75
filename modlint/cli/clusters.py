"""`modlint clusters FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from modlint.analysis.base import Progress
from modlint.analysis.clustering import MAX_CONNECTIONS
from modlint.builder import Built
from modlint.cli import WRONG_USAGE
from modlint.cli.clusters_files import require_writable
from modlint.cli.messages import say, show
from modlint.cli.progress import progress_on_stderr
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import Registry, load_registry
from modlint.errors import UnreadableError, UsageError
from modlint.live.batch import batch_of
from modlint.network import Network
from modlint.portraits.documents import WRITERS, ClustersDocument
from modlint.portraits.lesions import LesionChoice
from modlint.portraits.portrait import Choice, NetworkPortrait
from modlint.portraits.shown import named, shown
from modlint.settings.config import nearest
from modlint.text import printable


def run(arguments: argparse.Namespace) -> int:
    """Show the clusters of a file's networks; exit code 2 where some network has none."""
    require_writable(arguments.labels, arguments.picture)
    registry = load_registry()
    registry.load_all()
    say(registry.problems)
    largest = arguments.max_connections or MAX_CONNECTIONS
    choice = Choice(
        arguments.clusters,
        arguments.seed,
        arguments.shuffles,
        largest,
        arguments.seeds,
        arguments.method,
        _lesions(arguments),
    )
    with (
        progress_on_stderr(enabled=not arguments.no_progress) as files,
        files(arguments.file, 0, 1) as progress,
    ):
        file = _examination(arguments, registry, progress)
        document = ClustersDocument.of(str(arguments.file), file, choice, progress)
        if arguments.picture is not None and document.networks:
            _draw(arguments, file, document.networks[0], choice)
    _write(document, arguments.output_format, arguments.labels)
    say(file.internal_errors)
    say(f"network {name}: {reason}" for name, reason in document.unavailable.items())
    return WRONG_USAGE if file.internal_errors or document.unavailable else 0


def _lesions(arguments: argparse.Namespace) -> LesionChoice | None:
    if arguments.data is None:
        return None
    return LesionChoice(batch_of(arguments.data), arguments.random_groups, arguments.activation)


def _examination(
    arguments: argparse.Namespace, registry: Registry, progress: Progress
) -> FileExamination:
    """The file with the networks asked for.

    Raises:
        UsageError: it cannot be read, or has no such network, or several for one picture.
    """
    path: Path = arguments.file
    try:
        checkpoint = load_whole(path, registry.readers)
    except UnreadableError as error:
        raise UsageError(f"{path}: {error}") from error
    errors: list[str] = []
    built = build_networks(checkpoint, registry.builders, errors)
    file = FileExamination(checkpoint, built, arguments.device, progress, errors)
    if arguments.network is not None:
        built = Built((_named(arguments.network, file),))
        file = FileExamination(checkpoint, built, arguments.device, progress, errors)
    if arguments.picture is not None:
        drawn = shown(file, arguments.max_connections or MAX_CONNECTIONS)
        ids = [network.id for network in drawn if network.reason is None]
        if len(ids) > 1:
            raise UsageError(f"--picture shows one network: choose by --network {_listed(ids)}")
    return file


def _named(id: str, file: FileExamination) -> Network:
    found = named(id, file)
    if found is not None:
        return found
    ids = [network.id for network in file.networks]
    raise UsageError(f"--network {id}: there is none{nearest(id, ids)} (known: {_listed(ids)})")


def _listed(ids: list[str]) -> str:
    return ", ".join(printable(name, 40) for name in ids[:12]) + (", …" if len(ids) > 12 else "")


def _draw(
    arguments: argparse.Namespace, file: FileExamination, portrait: NetworkPortrait, choice: Choice
) -> None:
    from modlint.analysis.cluster_views import ReorderedWeights
    from modlint.portraits.picture import draw

    network = next(n for n in shown(file, choice.max_connections) if n.id == portrait.id)
    name: str = arguments.file.name
    if arguments.network is not None:
        name += f", network {arguments.network}"
    file.progress("drawing", 0, 1)
    panels = file.result(ReorderedWeights(choice.partition(len(portrait.clusters))), network)
    draw(arguments.picture, name, portrait, panels, len(network.calls))


def _write(document: ClustersDocument, output_format: str, labels: Path | None) -> None:
    if labels is not None:
        labels.write_text(WRITERS[labels.suffix.lower()](document), encoding="utf-8")
    if output_format == "full":
        if document.networks:
            from modlint.portraits.table import tables

            show(tables(document.path, document.networks, sys.stdout))
    else:
        show(WRITERS[f".{output_format}"](document))
