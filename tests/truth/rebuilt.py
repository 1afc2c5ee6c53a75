"""The networks that modlint rebuilds of a file, and the values of its tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from modlint.analysis.values import values_on
from modlint.checkpoint import Checkpoint
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry
from modlint.network import Network

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Rebuilt:
    """What analyses read of a file; a folder of transformers' is read by its only file of tensors.

    Attributes:
        networks: those that were rebuilt.
    """

    checkpoint: Checkpoint
    networks: tuple[Network, ...]
    device: str = "cpu"
    torch_device: torch.device = CPU
    progress: Callable[[str, int, int], None] = lambda what, done, total: None

    def weight(self, name: str) -> Any:
        """A tensor's values."""
        return values_on("cpu", self.checkpoint.tensors[name])

    stored = weight


def rebuilt(path: Path) -> Rebuilt:
    """A file, read and rebuilt.

    Raises:
        ValueError: modlint rebuilds no network.
    """
    if path.is_dir():
        (path,) = path.glob("*.safetensors")
    registry = load_registry()
    checkpoint, errors = load_whole(path, registry.readers), list[str]()
    built = build_networks(checkpoint, registry.builders, errors)
    networks = tuple(network for network in built.networks if network.reason is None)
    if errors or not networks:
        raise ValueError("; ".join(errors) or "no network")
    return Rebuilt(checkpoint, networks)
