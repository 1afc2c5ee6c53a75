"""Networks of the studies as modlint reads them: from the program that torch.export writes."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

import modlint
from modlint.analysis.base import Analysis
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import Registry, load_registry
from modlint.network import Network
from modlint.verdict import Verdict

R = TypeVar("R")


def perceptron(*sizes: int) -> nn.Sequential:
    """Linear layers from size to size, with ReLU between them."""
    parts: list[nn.Module] = []
    for before, behind in itertools.pairwise(sizes):
        parts += [nn.Linear(before, behind), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def exported(model: nn.Module, example: Tensor, folder: str | Path) -> Path:
    """Write the program of a network; `example` is an input of it."""
    path = Path(folder) / "model.pt2"
    torch.export.save(torch.export.export(model.eval(), (example,)), path)
    return path


def measured(
    model: nn.Module, example: Tensor, analysis: Analysis[Network, R]
) -> tuple[Network, R]:
    """The one network of a program, as it is traced, and what an analysis measures of it."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = load_whole(exported(model, example, folder), _registry().readers)
        errors: list[str] = []
        built = build_networks(checkpoint, _registry().builders, errors)
        file = FileExamination(checkpoint, built, "cpu", lambda *_: None, errors)
        (network,) = file.networks
        return network, file.result(analysis, network)


def told(model: nn.Module, example: Tensor, code: str) -> Sequence[Verdict]:
    """What a rule says of a network's program."""
    with tempfile.TemporaryDirectory() as folder:
        path = exported(model, example, folder)
        report = modlint.check(path, select=code, deep=True, min_severity="information")
    return [verdict for file in report.files for verdict in file.verdicts]


@cache
def _registry() -> Registry:
    return load_registry()
