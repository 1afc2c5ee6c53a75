"""An architecture of the zoo: a name, what builds its module, example inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Inputs = tuple[Any, ...]


@dataclass(frozen=True)
class Architecture:
    """One entry of the zoo.

    Attributes:
        build: a fresh module; `built` gives it seeded and free of constant parameters.
        inputs: example inputs; a batch of two.
        group: where it comes from: "by hand", "misleading", "torchvision", "timm", "transformers".
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], Inputs]
    group: str = "by hand"


def built(architecture: Architecture) -> tuple[nn.Module, Inputs]:
    """The seeded module in eval mode and its example inputs."""
    torch.manual_seed(0)
    module = architecture.build().eval()
    inputs = architecture.inputs()
    _shake(module)
    return module, inputs


def _shake(module: nn.Module) -> None:
    """No parameter stays constant, which would hide what passes, and no two are copies."""
    generator = torch.Generator().manual_seed(1)
    seen: set[bytes] = set()
    for value in module.parameters():
        if value.ndim > 1:
            if (held := value.detach().double().numpy().tobytes()) in seen:
                value.data = value.data * 1.5 + 0.01 * torch.randn(value.shape, generator=generator)
            seen.add(held)
    named = [*module.named_parameters(), *module.named_buffers()]
    for name, value in named:
        if not value.is_floating_point() or value.numel() < 2 or value.min() != value.max():
            continue
        noise = torch.rand(value.shape, generator=generator).to(value.dtype)
        if value.requires_grad or name.endswith(("running_mean", "running_var")):
            value.data = value.data + 0.2 + 0.4 * noise


def images(*shape: int) -> Callable[[], Inputs]:
    """One tensor of noise."""
    return lambda: (torch.randn(*shape),)


def tokens(size: int, *shape: int) -> Callable[[], Inputs]:
    """One tensor of token numbers below `size`."""
    return lambda: (torch.randint(1, size, shape),)
