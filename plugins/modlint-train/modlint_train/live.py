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
from modlint.network import Call, Network, Norm
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
        return self.tensors[self.network.calls[0].weight].device

    @property
    def torch_device(self) -> torch.device:
        """The parameters' device."""
        return self.device

    def device_for(self, work: int) -> torch.device:  # noqa: ARG002
        """The parameters' device, whatever the work."""
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
    built = build_networks(checkpoint_of(tensors), _builders(), errors)
    reasons = (network.reason for network in built.networks if network.reason is not None)
    reason = next(reasons, None)
    if built.unplaced and reason is None:
        reason = f"{built.unplaced[0].tensor}: {built.unplaced[0].reason}"
    if reason is not None or not built.networks:
        raise NotInferred(reason or f"{type(module).__name__} has no layers that are known")
    modules = dict(module.named_modules())
    return tuple(_corrected(network, modules) for network in built.networks)


@cache
def _builders() -> tuple[NetworkBuilder, ...]:
    return tuple(load_registry().builders)


def _corrected(network: Network, modules: Mapping[str, nn.Module]) -> Network:
    for call in network.calls:
        _require_alike(call, modules.get(call.name))
    operations = (
        _with_epsilon(op, modules) if isinstance(op, Norm) else op for op in network.operations
    )
    return replace(network, operations=tuple(operations))


def _require_alike(call: Call, module: Any) -> None:
    groups = getattr(module, "groups", call.groups)
    turned = getattr(module, "transposed", call.kind == "conv-transpose")
    if groups != call.groups or turned != (call.kind == "conv-transpose"):
        raise NotInferred(
            f"{call.name} is {module}, which its names and shapes read as "
            f"{call.kind} in {call.groups} group(s)"
        )


def _with_epsilon(norm: Norm, modules: Mapping[str, nn.Module]) -> Norm:
    owner = modules.get(norm.tensors[0].rpartition(".")[0]) if norm.tensors else None
    return replace(norm, epsilon=float(getattr(owner, "eps", None) or norm.epsilon))
