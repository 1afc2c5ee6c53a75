"""From a transformer block to its network.

Vertices are the dimensions of the residual stream, the MLP's hidden units and those of the heads:
unit j of the queries meets only unit j of the keys, so they are one; unit j of the values is what
unit j of the heads gives to the output.
"""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Tensor
from modlint.network import Group, Join, Layer, Network, Norm
from modlint.verdict import Confidence
from modlint_plugins.networks.names.transformers.families import Attention
from modlint_plugins.networks.names.transformers.match import Block, Parts

_STREAM = "stream"
_FUSED = "its attention is left out: one tensor holds queries, keys and values"
_SHARED = "its attention is left out: its heads share keys and values"
_UNNORMED = "its attention is left out: the file lacks the norm in front of it"


def block_network(block: Block) -> Network:
    """The network of a block, without its attention where that cannot be rebuilt.

    Its id is the block's path.
    """
    family, attention = block.family, block.family.attention
    left_out = _why_without_attention(block)
    layers: list[Layer] = []
    groups = [Group(_STREAM, block.stream, "input", exposed=True)]
    final = [] if family.closing is None else [_norm(block, _own(block, family.closing))]
    if attention is not None and left_out is None:
        layers += _attention_layers(block, attention)
        groups += _attention_groups(block, attention)
        final += [_norm(block, own) for n in attention.unit_norms if (own := _own(block, n))]
    layers += _mlp_layers(block, layers)
    hidden = layers[-1].source
    size = layers[-1].shape[0 if block.turned else 1]
    join: Join = "product" if len(family.drivers) > 1 else "sum"
    groups.append(Group(hidden, size, "hidden", join=join))
    known = f"its parts are known by the names of {family.name}"
    remarks = (known, left_out, family.caveat)
    return Network(
        id=block.path,
        source="names",
        confidence=Confidence.MEDIUM,
        groups=tuple(groups),
        layers=tuple(layers),
        final_norms=tuple(final),
        remarks=tuple(remark for remark in remarks if remark is not None),
    )


def _why_without_attention(block: Block) -> str | None:
    attention = block.family.attention
    if attention is None:
        return _FUSED
    query, key = (block.parts[f"{n}.weight"].shape[0] for n in (attention.query, attention.key))
    if query != key:
        return _SHARED
    return _UNNORMED if attention.norm is None and not block.before else None


def _attention_groups(block: Block, attention: Attention) -> list[Group]:
    size = block.parts[f"{attention.query}.weight"].shape[0]
    heads = Group(_module(block, attention.query), size, "hidden", exposed=True)
    return [heads, Group(_module(block, attention.value), size, "hidden")]


def _attention_layers(block: Block, attention: Attention) -> list[Layer]:
    """Query and key drive one group that no layer reads; the value's is read by the output."""
    own = block.before if attention.norm is None else _own(block, attention.norm)
    norms = (_norm(block, own),)
    heads, values = (_module(block, name) for name in (attention.query, attention.value))
    targets = {attention.query: heads, attention.key: heads, attention.value: values}
    layers = [
        _layer(block, name, _STREAM, target, norms=norms, activation="identity")
        for name, target in targets.items()
    ]
    out = _layer(block, attention.out, values, _STREAM, (values,), activation="identity")
    return [*layers, out]


def _mlp_layers(block: Block, before: Sequence[Layer]) -> list[Layer]:
    """Those that drive the hidden units, then the one that reads them; a gate comes first."""
    family = block.family
    norms = (_norm(block, _own(block, family.norm)),)
    gate, *gated = family.drivers
    hidden, inputs = _module(block, gate), tuple(layer.name for layer in before[-1:])
    drivers = [_layer(block, gate, _STREAM, hidden, inputs, norms=norms)]
    drivers += [
        _layer(block, name, _STREAM, hidden, inputs, norms=norms, activation="identity")
        for name in gated
    ]
    scale = {} if family.scale is None else _own(block, family.scale)
    scales = (Norm("affine", block.stream, scale["weight"].name),) if scale else ()
    names = tuple(layer.name for layer in drivers)
    down = _layer(block, family.down, hidden, _STREAM, names, scales=scales, activation="identity")
    return [*drivers, down]


def _layer(
    block: Block,
    name: str,
    source: str,
    target: str,
    inputs: tuple[str, ...] = (),
    *,
    norms: tuple[Norm, ...] = (),
    scales: tuple[Norm, ...] = (),
    activation: str | None = None,
) -> Layer:
    parts = _own(block, name)
    return Layer(
        name=_module(block, name),
        kind="linear",
        shape=parts["weight"].shape,
        source=source,
        target=target,
        inputs=inputs,
        weight=parts["weight"].name,
        bias=parts["bias"].name if "bias" in parts else None,
        transposed=block.turned,
        input_norms=norms,
        output_norms=scales,
        activation=activation,
    )


def _module(block: Block, name: str) -> str:
    return f"{block.path}.{name}".lstrip(".")


def _own(block: Block, module: str) -> dict[str, Tensor]:
    """A module's "weight" and "bias", as far as there are."""
    names = {part: f"{module}.{part}" for part in ("weight", "bias")}
    return {part: block.parts[name] for part, name in names.items() if name in block.parts}


def _norm(block: Block, parts: Parts) -> Norm:
    shift = parts["bias"].name if "bias" in parts else None
    scale = parts["weight"]
    return Norm(block.family.kind, scale.elements, scale.name, shift)
