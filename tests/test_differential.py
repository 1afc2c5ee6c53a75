"""modlint's readers against the loaders: what one reads the other reads, and none is silent.

Only files that nobody made to do harm are loaded: those of the corpora of published models, those
that libraries write here, and variants of torch's own files that name nothing but tensors.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch._dynamo
import torch.distributed.tensor
import torch.nested
from benign import BENIGN
from benign.collection import Benign, Written
from refused_variants import marked_as_folder, variants
from safetensors import safe_open
from same_tensors import Seen, Theirs, differences, ours
from support import no_progress

from modlint.checkpoint import Checkpoint, Status
from modlint.engine.load import load
from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings

CORPORA = ("models", "reports/health", "reports/practice", "reports/networks")
COMPARED = {"torch", "python", "transformers", "accelerate", "peft", "lightning", "layout"}
COMPARED |= {"numpy", "safetensors"}
TORCH_FORMATS = ("torch-zip", "torch-legacy")
VARIANTS = dict(variants())
OTHERWISE = {
    "protocol_9.pt": "torch's own unpickler takes protocols that CPython refuses",
    "key_twice.pt": "the tensor that is overwritten is listed too, and FMT013 says so",
    "id_without_a_loader.pkl": "it may be the pickle of an archive, whose loader knows the id",
}
"""Variants that a loader and modlint see with different eyes, and why that is right."""


@dataclass(frozen=True)
class Refused:
    """Why a loader does not read a file."""

    reason: str


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


@pytest.mark.parametrize("corpus", CORPORA)
def test_published_files(corpus: str, shared: Path, registry: Registry) -> None:
    folder = shared / corpus
    told = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if lines := disagreements(path, registry, safely_loaded):
            told[str(path.relative_to(folder))] = lines
    assert not told


@pytest.mark.parametrize(
    "benign", [b for b in BENIGN if b.library in COMPARED], ids=lambda benign: benign.id
)
def test_files_that_libraries_write(benign: Benign, written: Written, registry: Registry) -> None:
    path = written(benign)
    loader = safely_loaded if benign.library == "layout" else wholly_loaded
    paths = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    told = {p.name: disagreements(p, registry, loader) for p in paths}
    assert not any(told.values()), told


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(name: str, tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / name
    path.write_bytes(VARIANTS[name])
    loader = unpickled if path.suffix == ".pkl" else wholly_loaded
    told = disagreements(path, registry, loader, strict=True)
    assert bool(told) == (name in OTHERWISE), told


@pytest.mark.parametrize("member", ["data/0", "data.pkl", "version"])
def test_a_member_that_torch_takes_for_a_folder(
    member: str, tmp_path: Path, registry: Registry
) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(marked_as_folder(member))
    assert warned(path, registry)


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_tensors_of_a_package(tmp_path: Path) -> None:
    state = {"w": torch.arange(6.0).reshape(2, 3).T, "n": {"b": torch.ones(2, dtype=torch.int8)}}
    with torch.package.PackageExporter(tmp_path / "package.pt") as exporter:
        exporter.save_pickle("model", "state.pkl", state)
    importer = torch.package.PackageImporter(tmp_path / "package.pt")
    theirs = Theirs.of(importer.load_pickle("model", "state.pkl"))
    found = read(tmp_path / "package.pt")
    assert sorted(theirs.tensors.values()) == sorted(seen(found).values())


def test_tensors_of_torchscript(tmp_path: Path, written: Written) -> None:
    for benign in BENIGN:
        if benign.id in ("torch-scripted_module", "torch-traced_module_with_extra_files"):
            path = written(benign)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = Theirs.of(dict(torch.jit.load(path).state_dict()))
            assert theirs.tensors == seen(read(path))


def disagreements(
    path: Path,
    registry: Registry,
    loader: Callable[[Path], Any],
    strict: bool = False,
) -> list[str]:
    """What modlint and the file's loader do not agree on; nothing where the file has no loader.

    Args:
        path: the file.
        registry: rules and readers.
        loader: loads the file.
        strict: a file that the loader refuses needs a finding, whatever format it is of.
    """
    checkpoints = read(path)
    if checkpoints[0].status is Status.NOT_A_CHECKPOINT and not strict:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = loader(path)
    if isinstance(loaded, Refused):
        formats = {checkpoint.format for checkpoint in checkpoints}
        asked = strict or not formats.isdisjoint(TORCH_FORMATS) or by_name(path)
        return [loaded.reason] if asked and not owned(loaded, checkpoints, path, registry) else []
    return differences(Theirs.of(loaded), seen(checkpoints))


def read(path: Path) -> tuple[Checkpoint, ...]:
    """The file as modlint's readers read it."""
    return load(path, tuple(load_registry().readers))


def seen(checkpoints: tuple[Checkpoint, ...]) -> Seen:
    """The tensors that modlint found."""
    return {name: told for checkpoint in checkpoints for name, told in ours(checkpoint).items()}


def by_name(path: Path) -> bool:
    """Whether the file's name says which loader reads it."""
    return path.suffix in (".safetensors", ".npy", ".npz")


def safely_loaded(path: Path) -> Any:
    """What the loader for the file's name gives, which runs nothing in the file."""
    try:
        return _loaded(path)
    except Exception as error:  # loaders raise whatever they come across
        return Refused(f"{type(error).__name__}: {error}")


def wholly_loaded(path: Path) -> Any:
    """The same, or where it refuses what the loader gives that trusts the file."""
    loaded = safely_loaded(path)
    if not isinstance(loaded, Refused) or by_name(path):
        return loaded
    try:
        return torch.load(path, weights_only=False, map_location="cpu")
    except Exception:  # the safe loader's reason says more
        return loaded


def unpickled(path: Path) -> Any:
    """What pickle gives; only for the variants, which name no global."""
    try:
        return pickle.loads(path.read_bytes())
    except Exception as error:  # it raises whatever a wrong operand leads to
        return Refused(f"{type(error).__name__}: {error}")


def _loaded(path: Path) -> Any:
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if path.suffix == ".npy":
        return {"array": np.load(path, allow_pickle=False)}
    if path.suffix == ".npz":
        arrays: Mapping[str, Any] = np.load(path, allow_pickle=False)
        return dict(arrays)
    return torch.load(path, weights_only=True, map_location="cpu")


def owned(
    refused: Refused, checkpoints: tuple[Checkpoint, ...], path: Path, registry: Registry
) -> bool:
    """Whether modlint says something of what a loader refuses.

    Where a global keeps `weights_only` from loading, it is enough that modlint has seen and judged
    that global, and where an array of objects keeps NumPy from it, that it has seen the pickle.
    """
    if "Object arrays" in refused.reason:
        return any(checkpoint.pickles for checkpoint in checkpoints)
    uses = {use.qualified for c in checkpoints for trace in c.pickles for use in trace.uses}
    named = re.search(r"GLOBAL ([\w.]+)", refused.reason)
    if named is not None and (named[1] in uses or named[1] in _renamed(uses)):
        return True
    return warned(path, registry)


def warned(path: Path, registry: Registry) -> bool:
    """Whether modlint has more to say of the file than notes."""
    settings = Settings(select=("SEC", "FMT"), device="cpu")
    report = check([path], Configuration(settings, None, path.parent), registry, no_progress)
    findings = [finding for file in report.files for finding in file.findings]
    return any(finding.severity != "note" for finding in findings)


def _renamed(uses: set[str]) -> set[str]:
    """The names that Python 3 gives to what protocol 2 names as Python 2 did."""
    return {name.replace("__builtin__.", "builtins.") for name in uses}
