"""Networks as a front end would trace them, with their weights, for tests of what reads them.

Each method takes tensors that are traced and a weight as torch's own layer keeps it, and gives what
the layer makes; `Drawn.inputs` is the network of all that was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import ml_dtypes
import numpy as np
import torch
from msgspec.structs import replace

from modlint.analysis.base import NetworkAnalysis
from modlint.builder import Built
from modlint.errors import Unavailable
from modlint.network import Layout, Network, NormKind
from modlint.numerics.tensor.arrays import COMPLEX32
from modlint.results.graphs import Graph
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.nodes import NormTensors, Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer


@dataclass
class NetworkInputs:
    """What analyses may read of a network: its weights; results are computed once."""

    network: Network
    tensors: Mapping[str, torch.Tensor]
    device: Literal["cpu"] | torch.device = "cpu"
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    results: dict[NetworkAnalysis[Any], Any] = field(default_factory=dict)

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.device)

    def device_for(self, work: int) -> Literal["cpu"] | torch.device:
        return self.device

    def weight(self, name: str) -> Any:
        if isinstance(self.device, str):
            return as_numpy(self.tensors[name])
        return self.tensors[name].to(self.device)

    @property
    def reference(self) -> Any:
        raise Unavailable("a network that was drawn is compared with none")

    stored = weight

    def result(self, analysis: NetworkAnalysis[Any], network: Network | None = None) -> Any:
        if network not in (None, self.network):
            return analysis.compute(network, self)
        if analysis not in self.results:
            self.results[analysis] = analysis.compute(self.network, self)
        return self.results[analysis]

    def tensors_of(self, analysis: NetworkAnalysis[Graph]) -> Graph:
        """A graph as torch's tensors."""
        return as_tensors(self.result(analysis))


def as_tensors(graph: Graph) -> Graph:
    """A graph of numpy's arrays with torch's tensors in their place."""
    blocks = (
        replace(
            block,
            weights=torch.asarray(block.weights.copy()),
            mask=None if block.mask is None else torch.asarray(block.mask.copy()),
        )
        for block in graph.blocks
    )
    return Graph(graph.groups, tuple(blocks))


def as_numpy(values: torch.Tensor) -> np.ndarray:
    """A tensor as modlint maps it from a file: numpy, with the element types that numpy lacks."""
    values = values.detach()
    name = str(values.dtype).removeprefix("torch.")
    if name == "bfloat16" or name.startswith("float8"):
        codes = values.view(getattr(torch, f"int{8 * values.element_size()}")).numpy()
        return codes.view(getattr(ml_dtypes, name))
    if name == "complex32":
        return torch.view_as_real(values).contiguous().numpy().view(COMPLEX32)[..., 0]
    return values.numpy()


def layout(stored: Sequence[int], kind: str = "linear", groups: int = 1) -> Layout:
    """How the kernels of a weight of that shape lie in it, as torch's layers store them.

    "transposed" is a linear weight stored as (in, out).
    """
    view = np.zeros(math.prod(stored), bool).reshape(*stored[:2], -1)
    if kind == "conv-transpose":
        view = view.reshape(groups, stored[0] // groups, stored[1], -1).swapaxes(1, 2)
    elif kind == "transposed":
        view = view.swapaxes(0, 1)[None]
    else:
        view = view.reshape(groups, stored[0] // groups, stored[1], -1)
    shape: Any = view.shape
    strides: Any = view.strides
    return Layout(0, shape, strides)


class Drawn:
    """A network under construction, and the tensors of its file."""

    def __init__(self) -> None:
        self.tracer = Tracer()
        self.tensors: dict[str, torch.Tensor] = {}

    def input(self, *shape: int, name: str = "x") -> Traced:
        return self.tracer.input(name, shape)

    def keep(self, name: str, values: torch.Tensor | None) -> str | None:
        """Store a tensor under its name, unless there is none."""
        if values is None:
            return None
        self.tensors[name] = values
        return name

    def linear(
        self,
        name: str,
        x: Traced,
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
        *,
        transposed: bool = False,
        tensor: str | None = None,
    ) -> Traced:
        """W x + b along the last axis; `tensor` names a weight that was stored before."""
        kept = tensor or self.keep(f"{name}.weight", weight)
        assert kept is not None
        placed = layout(weight.shape, "transposed" if transposed else "linear")
        rows, columns = placed.shape[1:3]
        weighted = Weighted(
            tensor=kept,
            layout=placed,
            rows=rows,
            columns=columns,
            bias=self.keep(f"{name}.bias", bias),
        )
        return self.tracer.call(name, "linear", weighted, x, -1, (*x.shape[:-1], rows), -1)

    def conv(
        self,
        name: str,
        x: Traced,
        weight: torch.Tensor,
        bias: torch.Tensor | None = None,
        *,
        groups: int = 1,
        transposed: bool = False,
    ) -> Traced:
        """A convolution that keeps the image's size."""
        kind: Any = "conv-transpose" if transposed else "conv"
        placed = layout(weight.shape, kind, groups)
        kept = self.keep(f"{name}.weight", weight)
        assert kept is not None
        rows, columns = groups * placed.shape[1], groups * placed.shape[2]
        weighted = Weighted(
            tensor=kept,
            layout=placed,
            rows=rows,
            columns=columns,
            groups=groups,
            bias=self.keep(f"{name}.bias", bias),
        )
        shape = (x.shape[0], rows, *x.shape[2:])
        return self.tracer.call(name, kind, weighted, x, 1, shape, 1)

    def embedding(self, name: str, ids: Traced, weight: torch.Tensor) -> Traced:
        """Rows of a table, (entries, size)."""
        kept = self.keep(f"{name}.weight", weight)
        assert kept is not None
        entries, size = weight.shape
        weighted = Weighted(
            tensor=kept, layout=layout(weight.shape, "transposed"), rows=size, columns=entries
        )
        shape = (*ids.shape, size)
        return self.tracer.call(name, "embedding", weighted, None, 0, shape, -1)

    def norm(self, name: str, kind: NormKind, x: Traced, axis: int = -1, **parts: Any) -> Traced:
        """A norm along an axis; its tensors by their part ("scale", "mean"), else what they are."""
        stored = {k: self.keep(f"{name}.{k}", v) for k, v in parts.items() if torch.is_tensor(v)}
        tensors = NormTensors(kind=kind, **{**parts, **stored})
        return self.tracer.norm(tensors, x, axis)

    def relu(self, x: Traced) -> Traced:
        return self.tracer.activation("relu", x)

    def activation(self, name: str, x: Traced) -> Traced:
        return self.tracer.activation(name, x)

    def add(self, *operands: Traced) -> Traced:
        return self.tracer.join("sum", *operands)

    def multiply(self, *operands: Traced) -> Traced:
        return self.tracer.join("product", *operands)

    def concat(self, axis: int, *parts: Traced) -> Traced:
        return self.tracer.concat("cat", axis, *parts)

    def move(self, x: Traced, function: Callable[..., Any]) -> Traced:
        return self.tracer.move("move", function, x)[0]

    def flatten(self, x: Traced, *, channels_last: bool = False) -> Traced:
        """An image, (1, channels, …), as one row."""
        order = (0, *range(2, x.rank), 1) if channels_last else tuple(range(x.rank))
        return self.move(x, lambda a: a.transpose(order).reshape(a.shape[0], -1))

    def split(self, x: Traced, parts: int, axis: int = -1) -> tuple[Traced, ...]:
        return tuple(self.tracer.move("split", lambda a: np.split(a, parts, axis), x))

    def attention(self, q: Traced, k: Traced, v: Traced, heads: int) -> Traced:
        """Softmax of q·k by head, times v: of three tensors (1, length, size)."""
        _, length, size = q.shape
        q, k, v = (
            self.move(x, lambda a: a.reshape(1, length, heads, -1).transpose(0, 2, 1, 3))
            for x in (q, k, v)
        )
        square = (1, heads, length, length)
        scores = self.tracer.contracted("scores", ("bhqd", "bhkd", "bhqk"), q, k, square)
        weights = self.tracer.forgotten("softmax", square, scores)
        mixed = self.tracer.contracted("mix", ("bhqk", "bhkd", "bhqd"), weights, v, v.shape)
        return self.move(mixed, lambda a: a.transpose(0, 2, 1, 3).reshape(1, length, size))

    def recurrent(
        self,
        name: str,
        x: Traced,
        w_ih: torch.Tensor,
        w_hh: torch.Tensor,
        bias: torch.Tensor | None = None,
    ) -> Traced:
        """A recurrent layer of (gates · hidden) rows over (1, length, inputs)."""
        hidden = w_hh.shape[1]
        unit = np.tile(np.arange(hidden), len(w_hh) // hidden)
        into, state = (
            Weighted(
                tensor=str(self.keep(f"{name}.{part}", weight)),
                layout=layout(weight.shape),
                rows=weight.shape[0],
                columns=weight.shape[1],
                row_of=unit,
                channels=hidden,
                bias=self.keep(f"{name}.bias", bias) if part == "weight_ih" else None,
            )
            for part, weight in (("weight_ih", w_ih), ("weight_hh", w_hh))
        )
        shape = (*x.shape[:-1], hidden)
        return self.tracer.recurrent(name, (into, state), x, -1, shape, -1)[0]

    def built(self, *results: Traced, blocks: Sequence[str] = ()) -> Built:
        """What was drawn, with these results."""
        self.tracer.output(*results)
        return network_of(self.tracer, "0", "graph", blocks)

    def inputs(self, *results: Traced, blocks: Sequence[str] = ()) -> NetworkInputs:
        """The network of what was drawn, and its weights."""
        (network,) = self.built(*results, blocks=blocks).networks
        return NetworkInputs(network, self.tensors)
