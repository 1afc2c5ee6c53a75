"""Real files: names, types, shapes and bytes are those that torch reads."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from modlint.checkpoint import Checkpoint, Status
from modlint.source import open_source
from modlint_plugins.readers.torch.legacy import TorchLegacyReader
from modlint_plugins.readers.torch.plain_pickle import PlainPickleReader
from modlint_plugins.readers.torch.zip import TorchZipReader

Read = Callable[[Path], Checkpoint]
Compare = Callable[[Checkpoint, Any], None]

READERS = (TorchZipReader(), TorchLegacyReader(), PlainPickleReader())

_MOST_ELEMENTS = 300_000
"""Larger files are left to other tests: elements are gathered one by one here."""


def _loaded(path: Path) -> Any:
    """What torch reads, None where it needs more than weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return torch.load(path, weights_only=True, map_location="cpu")
        except Exception:  # torch refuses classes, TorchScript and tar files in several ways
            return None


def test_public_checkpoints(shared: Path, read: Read, assert_same_tensors: Compare) -> None:
    compared = 0
    for entry in json.loads((shared / "models" / "MANIFEST.json").read_text("utf-8")):
        if entry["container"] not in ("zip-pt", "legacy-pt"):
            continue
        path = shared / "models" / entry["file"]
        checkpoint = read(path)
        assert checkpoint.status is Status.CHECKED, path
        assert checkpoint.faults == (), path
        value = _loaded(path)
        if value is not None and checkpoint.parameters <= _MOST_ELEMENTS:
            assert_same_tensors(checkpoint, value)
            compared += 1
    assert compared > 50


def test_hostile_files_are_examined_and_never_executed(shared: Path) -> None:
    """Every pickle that its authors call malicious leaves something for a rule to judge."""
    entries = json.loads((shared / "hostile" / "MANIFEST.json").read_text("utf-8"))["files"]
    examined = 0
    for entry in entries:
        source = open_source(shared / "hostile" / entry["file"])
        for reader in READERS:
            if not reader.sniff(source):
                continue
            traces = reader.read(source).pickles
            assert traces, entry["file"]
            if entry["expected"] == "malicious":
                examined += any(trace.uses or trace.incomplete for trace in traces)
    assert examined >= 145
