"""A module in memory that torch runs; nothing of it is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from modlint.errors import UsageError
from modlint.numerics.lesions.columns import Reading, Weights

AT_ONCE = 512
"""Samples in one run."""


class TorchModule:
    """Runs a module in evaluation mode, without gradients, where its parameters are.

    Attributes:
        weights: by the names of parameters and buffers of floating point.
    """

    def __init__(self, module: nn.Module, inputs: NDArray[Any]) -> None:
        """Put the samples where the module is."""
        self._module = module
        tensors = dict(module.named_parameters()) | dict(module.named_buffers())
        self._tensors = {n: t for n, t in tensors.items() if t.is_floating_point()}
        self.weights: Weights = {
            name: tensor.detach().float().cpu().numpy() for name, tensor in self._tensors.items()
        }
        first = next(iter(self._tensors.values()))
        samples = torch.from_numpy(np.ascontiguousarray(inputs))
        kind = first.dtype if samples.is_floating_point() else torch.int64
        self._samples = samples.to(first.device, kind)

    def logits(self, changed: Weights) -> NDArray[Any]:
        """What the module gives: (samples, classes); of several outputs the logits, or the first.

        Raises:
            UsageError: the module does not take the samples.
        """
        own = {n: torch.from_numpy(w).to(self._tensors[n]) for n, w in changed.items()}
        with _evaluating(self._module):
            parts = [self._scores(own, part) for part in torch.split(self._samples, AT_ONCE)]
        return torch.cat(parts).numpy()

    def reads(self, layers: Sequence[Reading]) -> Mapping[str, NDArray[Any]]:
        """By layer, what the module that holds its weight is given: (samples, columns)."""
        modules = dict(self._module.named_modules())
        seen: dict[str, list[NDArray[Any]]] = {}
        hooks = []
        for reading in layers:
            module = modules.get(reading.call.weight.rpartition(".")[0])
            if module is not None and isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
                axis = -1 if isinstance(module, nn.Linear) else 1
                hooks.append(module.register_forward_pre_hook(_kept(seen, reading.call.name, axis)))
        try:
            self.logits({})
        finally:
            for hook in hooks:
                hook.remove()
        return {name: np.concatenate(parts) for name, parts in seen.items()}

    def _scores(self, changed: Mapping[str, torch.Tensor], part: torch.Tensor) -> torch.Tensor:
        try:
            given = functional_call(self._module, dict(changed), (part,))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise UsageError(
                f"the module does not take `inputs` of the shape {tuple(self._samples.shape)}:"
                f" {str(error).partition(chr(10))[0]}"
            ) from error
        given = getattr(given, "logits", given)
        found = given[0] if isinstance(given, tuple | list) else given
        if not isinstance(found, torch.Tensor):
            raise UsageError(f"the module gives a {type(found).__name__}, not a tensor of scores")
        return found.detach().float().cpu()


def _kept(seen: dict[str, list[NDArray[Any]]], name: str, axis: int) -> Any:
    def keep(_module: nn.Module, arguments: tuple[Any, ...]) -> None:
        given = arguments[0].detach().float().movedim(axis, 1)
        means = given.flatten(2).mean(2) if given.ndim > 2 else given
        seen.setdefault(name, []).append(means.cpu().numpy())

    return keep


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """In evaluation mode, and then every part in its own again."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for each in training:
            each.training = True
