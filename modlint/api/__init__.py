"""modlint from Python: check, inspect and cluster files, and what is in memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal, Unpack, get_args

from modlint.analysis.base import Progress
from modlint.analysis.clustering import MAX_CONNECTIONS
from modlint.analysis.lesions import ACTIVATIONS, GROUPS
from modlint.analysis.partitions import SEEDS, Clustered
from modlint.api.keywords import Keywords, at_work, configuration_of
from modlint.api.subjects import Subject, one_file, one_path_or_checkpoint, paths_or_checkpoint
from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.contents import Contents
from modlint.difference import Difference
from modlint.engine.diff.run import Wanted
from modlint.engine.diff.run import diff as diff_of
from modlint.engine.examine import FileExamination
from modlint.engine.in_memory import check_read
from modlint.engine.load import build_networks, load, load_whole
from modlint.engine.registry import DISABLE_VARIABLE, Registry, load_registry
from modlint.engine.run import check as check_paths
from modlint.errors import UnreadableError, UsageError
from modlint.live import is_module
from modlint.live.batch import batch_of
from modlint.network import Network
from modlint.portraits.documents import ClustersDocument
from modlint.portraits.lesions import LesionChoice
from modlint.portraits.portrait import Choice
from modlint.portraits.shown import named
from modlint.report import Report


def check(x: Subject, **settings: Unpack[Keywords]) -> Report:
    """Check files, folders of them, or what is in memory.

    No configuration file is read unless `config` names one.

    Args:
        x: a path, an iterable of paths, a mapping of names to tensors or arrays, a
            `torch.nn.Module`, or a `modlint.checkpoint.Checkpoint`.
        **settings: those of modlint.toml, with underscores: `select="CLU,NEU"`,
            `rules={"not-clusterable": {"shuffles": 20}}`, `fail_on="warning"`, `device="cpu"`.
            Unless `jobs` and `cache` say otherwise, files are checked one by one, and no outcome is
            kept.

    Raises:
        TypeError: x is nothing that can be checked, or there is no such setting.
        ValueError: a setting's value is wrong, there is nothing to check, or (as
            FileNotFoundError too) a path does not exist.
    """
    subject = paths_or_checkpoint(x)
    configuration = at_work(configuration_of(settings), settings)
    with _as_value_errors():
        if isinstance(subject, Checkpoint):
            return check_read(subject, configuration, _registry())
        return check_paths(subject, configuration, _registry(), _no_progress)


def inspect(x: Subject) -> Contents:
    """What is in a file or in memory: tensors, metadata, networks.

    Args:
        x: as for `check`, but one file.

    Raises:
        TypeError, ValueError: as for `check`.
    """
    subject = one_file(x)
    registry = _registry()
    found = (subject,) if isinstance(subject, Checkpoint) else load(subject, registry.readers)
    errors: list[str] = []
    return Contents.merged(
        Contents.of(checkpoint, build_networks(checkpoint, registry.builders, errors))
        for checkpoint in found
    )


def diff(
    old: Subject,
    new: Subject,
    *,
    lossless: bool = False,
    run_rules: bool = True,
    **settings: Unpack[Keywords],
) -> Difference:
    """What differs between two checkpoints, and what got worse.

    Args:
        old: a file, a folder, or what `check` takes in memory.
        new: the same; it is judged.
        lossless: whether whatever differs is a regression.
        run_rules: whether the rules run on both; findings gained are regressions.
        **settings: as for `check`.

    Raises:
        TypeError: one of them is nothing that can be compared, or there is no such setting.
        ValueError: a setting's value is wrong, or one of them is missing or cannot be read.
    """
    before, after = one_path_or_checkpoint(old), one_path_or_checkpoint(new)
    configuration = configuration_of(settings)
    wanted = Wanted(lossless=lossless, rules=run_rules)
    with _as_value_errors():
        return diff_of(before, after, configuration, _registry(), _no_progress, wanted)


def clusters(
    x: Subject,
    *,
    clusters: int | None = None,
    shuffles: int | None = None,
    seed: int = 0,
    seeds: int = SEEDS,
    method: Clustered = "matched",
    data: object = None,
    random_groups: int = GROUPS,
    activation: str | None = None,
    network: str | None = None,
    max_connections: int = MAX_CONNECTIONS,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> ClustersDocument:
    """Which neurons of a network belong together.

    Args:
        x: as for `check`, but one file.
        clusters: how many clusters the neurons are put into, 2 or more; by default as many as
            stand out by the test of CLU007.
        shuffles: networks to compare with, by either test; 0 for none; by default as many as the
            rules ask for, 99 and 50.
        seed: of k-means and of the shuffles, 0 or more.
        seeds: how many partitions are compared with one another.
        method: which graph is clustered: the balanced one, as by CLU007 ("matched"), or the
            weights as they are, as by CLU001 ("filan2021").
        data: samples on which the network is run without each cluster's units: the path of a .npz
            file, or a mapping, with `inputs` and `labels`. A module runs itself, in evaluation
            mode; an ONNX file needs onnxruntime.
        random_groups: random groups of units to compare each cluster with.
        activation: between the layers of a file or mapping that does not tell ("relu").
        network: id of one network, where there are several, or of a block ("0/layers.3").
        max_connections: larger networks are not clustered.
        device: where to compute; auto takes a GPU when the work is worth it.

    Returns:
        The clusters of each network; `unavailable` says why some have none.

    Raises:
        TypeError: x is nothing that can be clustered.
        ValueError: the file cannot be read, or an argument is out of its range.
    """
    subject = one_file(x)
    _require(clusters=(2 if clusters is None else clusters, 2), seed=(seed, 0))
    _require(shuffles=(0 if shuffles is None else shuffles, 0), seeds=(seeds, 1))
    _require(max_connections=(max_connections, 1))
    if method not in get_args(Clustered):
        raise ValueError(f"method is {method!r}: give one of {', '.join(get_args(Clustered))}")
    _require(random_groups=(random_groups, 1))
    if activation is not None and activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}: give one of {', '.join(ACTIVATIONS)}")
    registry = _registry()
    if isinstance(subject, Checkpoint):
        checkpoint = subject
    else:
        try:
            checkpoint = load_whole(subject, registry.readers)
        except UnreadableError as error:
            raise ValueError(f"{subject}: {error}") from None
    errors: list[str] = []
    built = build_networks(checkpoint, registry.builders, errors)
    with _as_value_errors():
        lesions = _lesions(x, data, random_groups, activation)
        choice = Choice(clusters, seed, shuffles, max_connections, seeds, method, lesions)
        file = FileExamination(checkpoint, built, device, _silent, errors)
        if network is not None:
            built = Built((_named(network, file),))
            file = FileExamination(checkpoint, built, device, _silent, errors)
        return ClustersDocument.of(str(checkpoint.path), file, choice, _silent)


def _lesions(
    x: Subject, data: object, random_groups: int, activation: str | None
) -> LesionChoice | None:
    if data is None:
        return None
    module = x if is_module(x) else None
    return LesionChoice(batch_of(data), random_groups, activation, module)


def _named(id: str, file: FileExamination) -> Network:
    found = named(id, file)
    if found is not None:
        return found
    known = ", ".join(repr(network.id) for network in file.networks[:12])
    raise ValueError(f"there is no network {id!r}; the networks are: {known}")


def _require(**arguments: tuple[object, int]) -> None:
    for name, (value, least) in arguments.items():
        if not isinstance(value, int):
            raise TypeError(f"{name} is {value!r}: give a whole number")
        if value < least:
            raise ValueError(f"{name} is {value}: give {least} or more")


@contextlib.contextmanager
def _as_value_errors() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise ValueError(str(error).removeprefix("--")) from None


def _registry() -> Registry:
    return _load_registry(os.environ.get(DISABLE_VARIABLE, ""))


@cache
def _load_registry(_disabled: str) -> Registry:
    return load_registry()


def _silent(what: str, done: int, total: int) -> None:
    """Tells nobody."""


@contextlib.contextmanager
def _no_progress(_path: Path, _index: int, _total: int) -> Iterator[Progress]:
    yield _silent
