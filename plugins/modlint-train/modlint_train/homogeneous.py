"""Whether scaling a unit's output by c > 0 can be undone behind it: what stands there, traced.

f(c·x) = c·f(x) holds for ReLU and its leaky kin, for pooling, dropout and reshaping.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from modlint_train.errors import NotScalable

_MODULES = (
    *(nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.Identity, nn.Flatten, nn.Unflatten),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
)
_FUNCTIONS = frozenset(
    {
        *(functional.relu, functional.leaky_relu, functional.dropout, functional.dropout2d),
        *(functional.max_pool1d, functional.max_pool2d, functional.max_pool3d),
        *(functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d),
        *(functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d),
        *(torch.relu, torch.flatten, torch.reshape, getattr, operator.getitem),
    }
)
_METHODS = frozenset({"relu", "flatten", "reshape", "view", "size", "contiguous"})


class Trace:
    """The calls of a module's forward, by `torch.fx`.

    Raises:
        NotScalable: it cannot be traced (its control flow depends on values).
    """

    def __init__(self, module: nn.Module) -> None:
        try:
            traced = fx.symbolic_trace(module)
        except Exception as error:  # forward is the user's code
            raise NotScalable(f"torch.fx cannot trace the module: {error}") from error
        self._modules: Mapping[str, nn.Module] = dict(module.named_modules())
        self._nodes = list(traced.graph.nodes)

    def require_homogeneous(self, layer: str, consumers: frozenset[str], norm: str | None) -> None:
        """Make sure that a layer's outputs may be scaled where its consumers' inputs undo it.

        Args:
            layer: a layer's path in the module.
            consumers: paths of the layers that read its neurons.
            norm: path of the batch norm behind it that is scaled with it, None without.

        Raises:
            NotScalable: it is called other than once, or what stands behind it is not homogeneous.
        """
        calls = [node for node in self._nodes if node.op == "call_module" and node.target == layer]
        if len(calls) != 1:
            raise NotScalable(f"layer {layer!r} is called {len(calls)} times, not once")
        for node in _behind(calls[0], consumers):
            if node.target != norm and not self._homogeneous(node):
                raise NotScalable(
                    f"layer {layer!r}: behind it stands {self._describe(node)}; units can only be "
                    "scaled before ReLU-like activations, pooling, dropout and reshaping"
                )

    def _homogeneous(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return isinstance(self._modules[str(node.target)], _MODULES)
        known: frozenset[Any] = _METHODS if node.op == "call_method" else _FUNCTIONS
        return node.op in ("call_method", "call_function") and node.target in known

    def _describe(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return f"{self._modules[str(node.target)]} ({node.target})"
        return "the module's output" if node.op == "output" else str(node.target)


def _behind(start: fx.Node, consumers: frozenset[str]) -> Iterator[fx.Node]:
    """Every call that a value flows through from `start` on, up to its consumers."""
    queue, seen = list(start.users), set()
    while queue:
        node = queue.pop()
        if node in seen or (node.op == "call_module" and node.target in consumers):
            continue
        seen.add(node)
        yield node
        queue += node.users
