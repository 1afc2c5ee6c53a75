"""From a state_dict's tensors to the modules that own them: layers, norms, and the rest."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from modlint.checkpoint import Tensor
from modlint_plugins.networks.names.words import NORM, words

_WRAPPERS = frozenset({"module", "_orig_mod", "model", "_fsdp_wrapped_module"})
_ALIASES = {"gamma": "weight", "beta": "bias"}
_NORM_PARTS = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
_SLOPES = frozenset({"prelu", "relu", "act", "activation"})


class LayerModule(Struct, frozen=True):
    """A module with a weight of two to five axes: a linear layer or a convolution.

    Attributes:
        name: its path in the state_dict.
        parts: the path's components, wrappers' left out.
        weight: the weight.
        bias: the bias, if any.
    """

    name: str
    parts: tuple[str, ...]
    weight: Tensor
    bias: Tensor | None

    @property
    def last(self) -> str:
        """The name's last component, "" of a bare layer."""
        return self.parts[-1] if self.parts else ""

    @property
    def linear(self) -> bool:
        """Whether it is a linear layer, not a convolution."""
        return len(self.weight.shape) == 2


class NormModule(Struct, frozen=True):
    """A module with a value per neuron: a normalisation.

    Attributes:
        name: its path in the state_dict.
        parts: the path's components, wrappers' left out.
        size: number of neurons.
        tensors: "weight", "bias", "running_mean" and "running_var", as far as there are.
    """

    name: str
    parts: tuple[str, ...]
    size: int
    tensors: dict[str, Tensor]

    @property
    def last(self) -> str:
        """The name's last component, "" of a bare norm."""
        return self.parts[-1] if self.parts else ""


class Modules(Struct, frozen=True):
    """What a state_dict holds, each in the file's order.

    Attributes:
        layers: linear layers and convolutions.
        norms: normalisations.
        spare: tensors that take no part in a chain: counters, slopes of PReLU, scalars, masks.
        unexplained: tensors as large as weights that no known layer has.
    """

    layers: list[LayerModule] = field(default_factory=list)
    norms: list[NormModule] = field(default_factory=list)
    spare: list[Tensor] = field(default_factory=list)
    unexplained: list[Tensor] = field(default_factory=list)


def is_matrix(tensor: Tensor) -> bool:
    """Whether a tensor has the shape of a layer's weight."""
    return len(tensor.shape) >= 2


def is_layer_weight(tensor: Tensor) -> bool:
    """Whether a tensor has the name and the shape of a layer's weight."""
    return is_matrix(tensor) and tensor.key.rpartition(".")[2] == "weight"


def components(tensors: Sequence[Tensor]) -> list[tuple[str, ...]]:
    """Each tensor's key in components, without the wrappers that all of them share."""
    keys = [tuple(tensor.key.split(".")) for tensor in tensors]
    while keys and all(len(key) > 1 and key[0] in _WRAPPERS for key in keys):
        if len({key[0] for key in keys}) > 1:
            break
        keys = [key[1:] for key in keys]
    return keys


def sort_modules(tensors: Sequence[Tensor]) -> Modules:
    """Gather the tensors by the module that owns them and tell what each module is."""
    owned: dict[tuple[str, ...], dict[str, Tensor]] = {}
    for tensor, parts in zip(tensors, components(tensors), strict=True):
        owned.setdefault(parts[:-1], {})[_ALIASES.get(parts[-1], parts[-1])] = tensor
    modules = Modules()
    for parts, parameters in owned.items():
        _sort(parts, parameters, modules)
    return modules


def _sort(parts: tuple[str, ...], parameters: dict[str, Tensor], modules: Modules) -> None:
    rest = dict(parameters)
    if layer := _layer(parts, parameters):
        modules.layers.append(layer)
        del rest["weight"]
        rest.pop("bias", None)
    elif norm := _norm(parts, parameters):
        modules.norms.append(norm)
        rest = {}
    for tensor in rest.values():
        known = modules.spare if _is_spare(tensor, parts) else modules.unexplained
        known.append(tensor)


def _layer(parts: tuple[str, ...], parameters: dict[str, Tensor]) -> LayerModule | None:
    weight, bias = parameters.get("weight"), parameters.get("bias")
    if weight is None or not 2 <= len(weight.shape) <= 5 or 0 in weight.shape:
        return None
    if bias is not None and len(bias.shape) != 1:
        return None
    return LayerModule(_path(weight), parts, weight, bias)


def _norm(parts: tuple[str, ...], parameters: dict[str, Tensor]) -> NormModule | None:
    tensors = {name: t for name, t in parameters.items() if t.shape and name in _NORM_PARTS}
    sizes = {tensor.shape for tensor in tensors.values()}
    if not parameters.keys() <= _NORM_PARTS or len(sizes) != 1:
        return None
    if tensors.keys() == {"weight"} and not _is_named_norm(parts):
        return None
    (shape,) = sizes
    if len(shape) != 1 or tensors.keys() == {"bias"}:
        return None
    return NormModule(_path(next(iter(tensors.values()))), parts, shape[0], tensors)


def _is_named_norm(parts: tuple[str, ...]) -> bool:
    return any(word in NORM or word.endswith("norm") for word in words("_".join(parts[-1:])))


def _is_spare(tensor: Tensor, parts: tuple[str, ...]) -> bool:
    if tensor.elements == 1 or tensor.dtype.kind in ("int", "uint", "bool", "opaque"):
        return True
    if tensor.elements != max(tensor.shape):
        return False  # more than a vector
    named = tensor.key.rpartition(".")[2] != "weight"
    return named or any(word in _SLOPES for part in parts for word in words(part))


def _path(tensor: Tensor) -> str:
    """The module's path in the state_dict; of a bare "weight" the tensor's own name."""
    return tensor.key.rpartition(".")[0] or tensor.key
