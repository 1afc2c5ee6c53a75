"""A module in training as modlint sees a checkpoint: its networks, over its live parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import torch
from msgspec.structs import replace
from torch import nn

from modlint.analysis.base import Analysis, NetworkAnalysis, Opened
from modlint.builder import NetworkBuilder
from modlint.engine.load import build_networks
from modlint.engine.registry import load_registry
from modlint.errors import Unavailable
from modlint.live import checkpoint_of
from modlint.network import Layer, Network, Norm
from modlint_train.errors import NotInferred

R = TypeVar("R")
S = TypeVar("S")


@dataclass(frozen=True, slots=True, eq=False)
class LiveInputs:
    """`modlint.analysis.Inputs` over tensors that take part in autograd; nothing is kept.

    Attributes:
        network: the network that the tensors belong to.
        tensors: by name; parameters themselves, not copies.
    """

    network: Network
    tensors: Mapping[str, torch.Tensor]

    @property
    def device(self) -> torch.device:
        """The parameters' device."""
        return self.tensors[self.network.layers[0].weight].device

    @property
    def torch_device(self) -> torch.device:
        """The parameters' device."""
        return self.device

    @staticmethod
    def progress(what: str, done: int, total: int) -> None:
        """Tells nobody."""

    def weight(self, name: str) -> torch.Tensor:
        """A parameter or buffer by its name in the state_dict."""
        return self.tensors[name]

    def stored(self, name: str) -> torch.Tensor:
        """The same: live parameters are no codes."""
        return self.tensors[name]

    @property
    def reference(self) -> LiveInputs:
        """There is nothing that it is compared with.

        Raises:
            Unavailable: always.
        """
        raise Unavailable("a network in training is compared with none")

    def beside(self, name: str) -> Opened:
        """Nothing lies beside what is in memory.

        Raises:
            Unavailable: always.
        """
        raise Unavailable(f"nothing lies beside a network in training, {name!r} neither")

    def result(self, analysis: Analysis[S, R], subject: S) -> R:
        """An analysis of the present values, computed anew; of the network alone."""
        if isinstance(analysis, NetworkAnalysis) and isinstance(subject, Network):
            return analysis.compute(subject, self)  # type: ignore[no-any-return]
        raise Unavailable(f"{analysis.name} is not computed of a network in training")


def live_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """The module's parameters and persistent buffers themselves, by their state_dict names.

    Raises:
        NotInferred: a weight is computed from other parameters (`torch.nn.utils.parametrize`,
            `torch.nn.utils.prune`).
    """
    tensors: dict[str, torch.Tensor] = module.state_dict(keep_vars=True)
    for name in tensors:
        masked = name.endswith("_orig") and f"{name.removesuffix('_orig')}_mask" in tensors
        if masked or ".parametrizations." in f".{name}":
            raise NotInferred(
                f"{name} is no weight itself: a weight is computed from it; "
                "remove the parametrisation or the pruning mask first"
            )
    return tensors


def infer(module: nn.Module) -> tuple[Network, ...]:
    """The networks in a module, as `modlint check` finds them in its saved state_dict.

    Grouping and epsilon, which a state_dict does not record, are the module's own.

    Raises:
        NotInferred: modlint rebuilds none, or what it rebuilds contradicts the module.
    """
    errors: list[str] = []
    tensors = live_tensors(module)
    if not tensors:
        raise NotInferred(f"{type(module).__name__} has no weight matrices")
    networks = build_networks(checkpoint_of(tensors), _builders(), errors)
    reason = next((network.reason for network in networks if network.reason is not None), None)
    if reason is not None:
        raise NotInferred(reason)
    modules = dict(module.named_modules())
    return tuple(_corrected(network, modules) for network in networks)


@cache
def _builders() -> tuple[NetworkBuilder, ...]:
    return tuple(load_registry().builders)


def _corrected(network: Network, modules: Mapping[str, nn.Module]) -> Network:
    for layer in network.layers:
        _require_alike(layer, modules.get(layer.name))
    layers = (
        replace(
            layer,
            input_norms=tuple(_with_epsilon(norm, modules) for norm in layer.input_norms),
            output_norms=tuple(_with_epsilon(norm, modules) for norm in layer.output_norms),
        )
        for layer in network.layers
    )
    return replace(network, layers=tuple(layers))


def _require_alike(layer: Layer, module: Any) -> None:
    groups = getattr(module, "groups", layer.groups)
    turned = getattr(module, "transposed", layer.kind == "conv-transpose")
    if groups != layer.groups or turned != (layer.kind == "conv-transpose"):
        raise NotInferred(
            f"{layer.name} is {module}, which its names and shapes read as "
            f"{layer.kind} in {layer.groups} group(s)"
        )


def _with_epsilon(norm: Norm, modules: Mapping[str, nn.Module]) -> Norm:
    owner = modules.get(norm.tensors[0].rpartition(".")[0]) if norm.tensors else None
    return replace(norm, epsilon=float(getattr(owner, "eps", None) or norm.epsilon))
