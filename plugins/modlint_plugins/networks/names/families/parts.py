"""A state_dict's tensors by name, and the layers that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modlint.checkpoint import Tensor
from modlint.network import NormKind
from modlint.verdict import Confidence
from modlint_plugins.networks.flow import layouts
from modlint_plugins.networks.flow.nodes import NormTensors, Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer

_ALIASES = {"weight": ("weight", "gamma"), "bias": ("bias", "beta")}


class Unfit(Exception):
    """The tensors are not those of a family; the text says which is missing or of another shape."""


class Parts:
    """The tensors below a path, and a tracer for what is made of them.

    Args:
        tracer: where layers go.
        tensors: by key.
        path: the path, "" for the whole.
        config: of the model, {} where none is beside the file.
        confidence: of the calls.
        used: names of the tensors that layers were made of; parts below a path share it.
    """

    def __init__(
        self,
        tracer: Tracer,
        tensors: Mapping[str, Tensor],
        path: str,
        config: Mapping[str, Any],
        confidence: Confidence,
        used: set[str] | None = None,
    ) -> None:
        self.tracer, self.path, self.config, self.confidence = tracer, path, config, confidence
        self.tensors = tensors
        self.used = set[str]() if used is None else used

    def below(self, path: str) -> Parts:
        """The parts below a path within these."""
        whole = self._key(path)
        return Parts(self.tracer, self.tensors, whole, self.config, self.confidence, self.used)

    def repeated(self, path: str) -> Iterator[Parts]:
        """The parts below path.0, path.1 and on, as far as the numbers go without a gap."""
        if not path:
            yield self
            return
        start = f"{self._key(path)}."
        numbers = {
            key[len(start) :].partition(".")[0] for key in self.tensors if key.startswith(start)
        }
        n = 0
        while str(n) in numbers:
            yield self.below(f"{path}.{n}")
            n += 1

    def has(self, module: str, part: str = "weight") -> bool:
        """Whether there is such a tensor."""
        return self._find(module, part) is not None

    def holds(self, name: str) -> bool:
        """Whether there is a tensor of this name, without a part."""
        return self._key(name) in self.tensors

    def shape(self, module: str) -> tuple[int, ...]:
        """The shape of a weight that is there; it does not count as used."""
        found = self._find(module, "weight")
        return () if found is None else found.shape

    def tensor(self, module: str, part: str = "weight", rank: int | None = None) -> Tensor:
        """A tensor, which counts as used.

        Raises:
            Unfit: there is none, or it has another number of axes.
        """
        found = self._find(module, part)
        if found is None:
            raise Unfit(f"{self._key(module)}.{part} is missing")
        if (rank is not None and len(found.shape) != rank) or 0 in found.shape:
            raise Unfit(f"{found.key} has the shape {list(found.shape)}")
        self.used.add(found.name)
        return found

    def embed(self, module: str, length: int, part: str = "weight") -> Traced:
        """The channels that a table gives for each of `length` entries: (1, length, channels)."""
        table = self.tensor(module, part, rank=2)
        weight = layouts.embedding(table)
        name = self._key(module)
        shape = (1, length, weight.rows)
        return self.tracer.call(name, "embedding", weight, None, 0, shape, 2, self.confidence)

    def linear(
        self, module: str, x: Traced, *, transposed: bool = False, rows: range | None = None
    ) -> Traced:
        """A linear layer along the last axis.

        Raises:
            Unfit: there is none, or its columns are not as many as the channels.
        """
        tensor = self.tensor(module, rank=2)
        bias = self._vector(module, "bias")
        weight = layouts.linear(tensor, transposed=transposed, rows=rows, bias=bias)
        if weight.columns != x.shape[-1]:
            raise Unfit(f"{tensor.key} has {weight.columns} columns for {x.shape[-1]} channels")
        y = self._through(self._key(module), weight, x)
        return self._adapted(module, x, y, rows)

    def convolution(self, module: str, x: Traced, *, depthwise: bool = False) -> Traced:
        """A convolution along axis 1; positions stay as many.

        Raises:
            Unfit: there is none, or its columns are no part of the channels.
        """
        tensor = self.tensor(module)
        into = x.shape[1]
        if len(tensor.shape) < 3 or into % tensor.shape[1]:
            raise Unfit(f"{tensor.key} has the shape {list(tensor.shape)} for {into} channels")
        groups = into // tensor.shape[1]
        if groups > 1 and not (depthwise or self._may_be_grouped(tensor, groups)):
            raise Unfit(f"{tensor.key} has {tensor.shape[1]} columns for {into} channels")
        weight = layouts.convolution(tensor, groups=groups, bias=self._vector(module, "bias"))
        shape = (x.shape[0], weight.rows, *x.shape[2:])
        return self.tracer.call(self._key(module), "conv", weight, x, 1, shape, 1, self.confidence)

    def norm(
        self, module: str, x: Traced, kind: NormKind, axis: int = -1, offset: float = 0.0
    ) -> Traced:
        """A norm along an axis.

        Raises:
            Unfit: there is none, or it has not an element for each channel.
        """
        scale = self.tensor(module, rank=1)
        if scale.shape[0] != x.shape[axis]:
            raise Unfit(f"{scale.key} has {scale.shape[0]} elements for {x.shape[axis]} channels")
        tensors = NormTensors(
            kind=kind,
            scale=scale.name,
            shift=self._vector(module, "bias"),
            mean=self._vector(module, "running_mean"),
            variance=self._vector(module, "running_var"),
            offset=offset,
        )
        return self.tracer.norm(tensors, x, axis)

    def scale(self, module: str, part: str, x: Traced) -> Traced:
        """A factor for each channel of the last axis, where there is one."""
        if not self.has(module, part):
            return x
        factor = self.tensor(module, part, rank=1)
        return self.tracer.norm(NormTensors(kind="affine", scale=factor.name), x, -1)

    def add(self, *parts: Traced) -> Traced:
        """Their sum, channel by channel.

        Raises:
            Unfit: they have not as many channels.
        """
        if len({x.shape for x in parts}) > 1:
            raise Unfit("what is added has not as many channels")
        return self.tracer.join("sum", *parts) if len(parts) > 1 else parts[0]

    def _adapted(self, module: str, x: Traced, y: Traced, rows: range | None) -> Traced:
        """What a linear layer gives with a low-rank adapter's factors beside it, where there are.

        DoRA's scale is computed of all three: with it the factors stand in no network.
        """
        down, up = (self._find(f"{module}.lora_{factor}", "weight") for factor in "AB")
        if down is None or up is None or self.has(module, "lora_magnitude_vector.weight"):
            return y
        into = down.shape[1:]
        if into != (x.shape[-1],) or up.shape[1:] != down.shape[:1] or 0 in down.shape:
            return y
        if up.shape[0] < rows.stop if rows else up.shape[0] != y.shape[-1]:
            return y
        self.used |= {down.name, up.name}
        at = self._key(module)
        middle = self._through(f"{at}.lora_A", layouts.linear(down), x)
        self.tracer.expose(middle)  # a fresh adapter's second factor is zero: that silences no unit
        beside = self._through(f"{at}.lora_B", layouts.linear(up, rows=rows), middle)
        return self.tracer.join("sum", y, beside)

    def _through(self, name: str, weight: Weighted, x: Traced) -> Traced:
        shape = (*x.shape[:-1], weight.rows)
        return self.tracer.call(name, "linear", weight, x, -1, shape, -1, self.confidence)

    def _vector(self, module: str, part: str) -> str | None:
        found = self._find(module, part)
        if found is None or len(found.shape) != 1:
            return None
        self.used.add(found.name)
        return found.name

    def _find(self, module: str, part: str) -> Tensor | None:
        key = self._key(module)
        for name in _ALIASES.get(part, (part,)):
            joint = "_" if key.endswith("in_proj") else "."
            found = self.tensors.get(f"{key}{joint}{name}" if key else name)
            if found is not None:
                return found
        return None

    def _key(self, module: str) -> str:
        return ".".join(filter(None, (self.path, module)))

    @staticmethod
    def _may_be_grouped(tensor: Tensor, groups: int) -> bool:
        return tensor.shape[0] % groups == 0
