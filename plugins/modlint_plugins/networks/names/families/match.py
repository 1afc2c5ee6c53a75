"""Which family a state_dict's tensors are of, and the network that follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modlint.builder import Built
from modlint.checkpoint import Tensor
from modlint.network import NormKind, Unplaced
from modlint.verdict import Confidence
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.blocks import repeated
from modlint_plugins.networks.flow.nodes import CallNode
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.names.families.adapted import by_key
from modlint_plugins.networks.names.families.convolutional import CONVOLUTIONAL, traced
from modlint_plugins.networks.names.families.decoders import DECODERS
from modlint_plugins.networks.names.families.encoders import ENCODERS
from modlint_plugins.networks.names.families.layout import Family
from modlint_plugins.networks.names.families.parts import Parts, Unfit
from modlint_plugins.networks.names.families.transformer import block_paths, trace
from modlint_plugins.networks.names.modules import is_layer_weight

FAMILIES = (*ENCODERS, *DECODERS)

_OUTSIDE = "stands outside of what the names of {} tell"


def rebuild_families(
    identifier: str, tensors: Sequence[Tensor], config: Mapping[str, Any]
) -> Built | None:
    """The networks whose names and shapes are those of known models; None where there are none.

    Args:
        identifier: id of a network that is the whole.
        tensors: parameters and buffers of one state_dict.
        config: config.json beside the file, {} where there is none.
    """
    keyed = by_key(tensors)
    found: list[Built] = []
    used: set[str] = set()
    names: list[str] = []
    for family in _candidates(config):
        for path, first in _places(family, keyed):
            if first.name in used:
                continue
            built = _rebuilt(family, path, identifier, keyed, config, used)
            if built is not None:
                found.append(built)
                names.append(family.name)
    for built, own, name in _convolutional(identifier, keyed, config):
        if not own & used:
            used |= own
            found.append(built)
            names.append(name)
    if not found:
        return None
    networks = tuple(network for built in found for network in built.networks)
    unplaced = [missing for built in found for missing in built.unplaced]
    unplaced += [
        Unplaced(tensor.name, _OUTSIDE.format(names[0]))
        for tensor in tensors
        if is_layer_weight(tensor) and tensor.name not in used
    ]
    return Built(networks, tuple(unplaced))


def _convolutional(
    identifier: str, tensors: Mapping[str, Tensor], config: Mapping[str, Any]
) -> Iterator[tuple[Built, set[str], str]]:
    """Networks of convolutional families, with the names of their tensors."""
    for family in CONVOLUTIONAL:
        first, *others = family.anchors
        for key in tensors:
            path = key[: -len(first)]
            if not f".{key}".endswith(f".{first}") or not all(path + o in tensors for o in others):
                continue
            sure = isinstance(config.get("model_type"), str)
            confidence = Confidence.HIGH if sure else Confidence.MEDIUM
            parts = Parts(Tracer(), tensors, path.rstrip("."), {}, confidence)
            try:
                parts.tracer.output(traced(family, parts))
            except Unfit:
                continue
            unknown = [
                k
                for k, t in tensors.items()
                if k.startswith(path) and len(t.shape) > 2 and t.name not in parts.used
            ]
            if unknown:
                continue
            remarks = [f"its parts are known by the names of {family.name}"]
            name = path.rstrip(".") or identifier
            layers = [node.name for node in parts.tracer.nodes if isinstance(node, CallNode)]
            built = network_of(parts.tracer, name, "names", repeated(layers), remarks)
            yield built, parts.used, family.name


def _candidates(config: Mapping[str, Any]) -> Sequence[Family]:
    """Families of the model type that config.json states; all where it states none."""
    stated = config.get("model_type")
    if not isinstance(stated, str):
        return FAMILIES
    return [family for family in FAMILIES if stated in family.types]


def _places(family: Family, tensors: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    """Paths below which the first layer of a family's first block stands, and its weight."""
    stack = family.stacks[0]
    attention = stack.block.attention
    first = attention.query or attention.fused or ""
    joint = "_" if first.endswith("in_proj") else "."
    anchor = f"{stack.path}.0.{first}{joint}weight".removeprefix(".0.")
    return [
        (key[: -len(anchor)].rstrip("."), tensor)
        for key, tensor in tensors.items()
        if f".{key}".endswith(f".{anchor}")
    ]


def _rebuilt(
    family: Family,
    path: str,
    identifier: str,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    used: set[str],
) -> Built | None:
    """One network; None where some tensor does not fit, or others found its tensors first."""
    tracer = Tracer()
    stated = config.get("model_type") in family.types
    confidence = Confidence.HIGH if stated else Confidence.MEDIUM
    parts = Parts(tracer, tensors, path, config, confidence)
    try:
        result = trace(family, parts)
        blocks = block_paths(family, parts)
        _require_known(family, blocks, tensors, parts.used)
    except Unfit:
        return None
    if parts.used & used:
        return None
    heads = list(_headed(family, parts, result, config))
    tracer.output(*heads or [result])
    used |= parts.used
    whole = path if len(_places(family, tensors)) > 1 else identifier
    remarks = [f"its parts are known by the names of {family.name}"]
    return network_of(tracer, whole or identifier, "names", blocks, remarks)


def _require_known(
    family: Family, blocks: Sequence[str], tensors: Mapping[str, Tensor], used: set[str]
) -> None:
    """Refuse blocks that hold more than the family's.

    Raises:
        Unfit: a block holds a tensor that the family does not know.
    """
    starts = tuple(f"{block}." if block else "" for block in blocks)
    for key, tensor in tensors.items():
        inside = key.startswith(starts) and tensor.name not in used and tensor.elements > 1
        if inside and not any(part in key for part in family.optional):
            raise Unfit(f"{key} is none of {family.name}")


def _headed(family: Family, parts: Parts, x: Traced, config: Mapping[str, Any]) -> Iterator[Traced]:
    """What the heads make of a stack's result, as far as there are any."""
    outer = Parts(parts.tracer, parts.tensors, "", config, parts.confidence, parts.used)
    if family.stacks[-1].tokens:
        first, mean = parts.tracer.move("pooled", lambda y: (y[:, :1], y[:, -1:]), x)
        pooled = {"first": (first,), "mean": (mean,), "both": (first, mean)}[family.pool]
        x = parts.tracer.concat("pooled", 2, *pooled)
    for chain in family.heads:
        made = None
        for names in chain:
            tied = made is not None or _is_tied(config)
            read = x if made is None else made
            step = _head(names, (parts, outer), read, family.kind, tied=tied)
            made = made if step is None else step
        if made is not None:
            yield made


def _head(
    names: str, places: Sequence[Parts], x: Traced, kind: NormKind, *, tied: bool
) -> Traced | None:
    """The first of the names that is there and fits, applied; None where none does."""
    for name in names.split("|"):
        for place in places:
            own = name.removeprefix("=")
            if (name != own and not tied) or not place.has(own):
                continue
            shape = place.shape(own)
            if shape == (x.shape[-1],):
                return place.norm(own, x, kind)
            if len(shape) == 2 and shape[1] == x.shape[-1]:
                return place.tracer.activation("unknown", place.linear(own, x))
    return None


def _is_tied(config: Mapping[str, Any]) -> bool:
    """Whether the head of a language model is its table of embeddings."""
    stated = config.get("architectures")
    names = [name for name in stated if isinstance(name, str)] if isinstance(stated, list) else []
    language = any(
        name.endswith(("LMHeadModel", "ForCausalLM", "ForConditionalGeneration")) for name in names
    )
    return language and config.get("tie_word_embeddings") is not False
