"""From a transformer's names to what its layers read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from modlint_plugins.networks.flow.labels import LabelArray
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.names.families.layout import (
    Attention,
    Block,
    Experts,
    Family,
    Mlp,
    Rotation,
    Stack,
)
from modlint_plugins.networks.names.families.parts import Parts, Unfit

LENGTH = 2
"""Positions of the sequence that is traced."""

MOST_REPEATS = 256
"""Of blocks that every layer shares."""

_ACTIVATIONS = {
    "gelu_new": "gelu",
    "gelu_fast": "gelu",
    "gelu_pytorch_tanh": "gelu",
    "quick_gelu": "gelu",
    "swish": "silu",
    "gated-gelu": "gelu",
}
_HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads")
_SHARED = "how many heads share keys and values is not in the file"


class Heads(Struct, frozen=True):
    """How attention is cut: heads of queries, heads of keys and values, channels of a head."""

    queries: int
    keys: int
    channels: int


def trace(family: Family, parts: Parts) -> Traced:
    """The result of the last stack, and of the heads that read it.

    Raises:
        Unfit: some name is missing, or has another shape.
    """
    source: Traced | None = None
    for stack in family.stacks:
        source = _stack(family, stack, parts, source)
    assert source is not None  # noqa: S101
    return source


def block_paths(family: Family, parts: Parts) -> list[str]:
    """Where the blocks of all stacks are."""
    return [block.path for stack in family.stacks for block in parts.repeated(stack.path)]


def _stack(family: Family, stack: Stack, parts: Parts, source: Traced | None) -> Traced:
    x = _entering(family, stack, parts)
    if stack.projected is not None and parts.has(stack.projected):
        x = parts.linear(stack.projected, x)
    blocks = list(parts.repeated(stack.path))
    if not blocks:
        raise Unfit(f"{stack.path}.0 is missing")
    if stack.shared:
        blocks *= min(MOST_REPEATS, _number(parts.config, "num_hidden_layers") or 1)
    for block in blocks:
        x = _block(family, stack.block, block, x, source)
    if stack.final is not None:
        x = _norm(family, parts, stack.final, x)
    return x


def _entering(family: Family, stack: Stack, parts: Parts) -> Traced:
    """What the first block reads: embeddings or patches; the stream where the file has neither."""
    named = any(parts.has(name) for names in stack.embeddings for name in names.split("|"))
    if named or any(map(parts.has, stack.patches)):
        return _embedded(family, stack, parts)
    first = next(parts.repeated(stack.path))
    attention = stack.block.attention
    weight = first.tensor(attention.query or str(attention.fused), rank=2)
    size = weight.shape[0 if family.transposed else 1]
    return parts.tracer.input("stream", (1, LENGTH, size))


def _embedded(family: Family, stack: Stack, parts: Parts) -> Traced:
    tables = [_first(parts, names) for names in stack.embeddings]
    tables = [name for i, name in enumerate(tables) if not i or parts.has(name)]
    if tables:
        x = parts.add(*(parts.embed(name, LENGTH) for name in tables))
    else:
        x = _patched(stack, parts)
    opening = stack.opening
    return x if opening is None or not parts.has(opening) else _norm(family, parts, opening, x)


def _first(parts: Parts, names: str) -> str:
    """Of names joined by "|" the first that is there, else the first of all."""
    several = names.split("|")
    return next(filter(parts.has, several), several[0])


def _patched(stack: Stack, parts: Parts) -> Traced:
    """Channels of an image's patches: (1, patches, channels)."""
    first = parts.tensor(stack.patches[0])
    x = parts.tracer.input("input", (1, *first.shape[1:2], LENGTH))
    for number, name in enumerate(stack.patches):
        x = parts.convolution(name, x)
        if number + 1 < len(stack.patches):
            x = parts.tracer.activation("gelu", x)
    before = sum(parts.holds(name) for name in stack.tokens)
    (x,) = parts.tracer.move(
        "tokens", lambda labels: np.pad(labels.transpose(0, 2, 1), ((0, 0), (before, 0), (0, 0))), x
    )
    return x


def _block(family: Family, block: Block, parts: Parts, x: Traced, source: Traced | None) -> Traced:
    def attended(read: Traced) -> Traced:
        return _attention(family, block.attention, parts, read, read)

    def fed(read: Traced) -> Traced:
        return _mlp(family, block.mlp, parts, read)

    first, last = block.norms[0], block.norms[-1]
    if block.order == "parallel":
        read = _norm(family, parts, first, x)
        again = read if first == last or not parts.has(last) else _norm(family, parts, last, x)
        return parts.add(x, attended(read), fed(again))
    branches = [(attended, first, 0), (fed, last, 1)]
    if block.cross is not None and source is not None:
        attention, norm = block.cross
        branches.insert(
            1, (lambda read: _attention(family, attention, parts, read, source), norm, 0)
        )
    for branch, norm, place in branches:
        x = _residual(family, block, parts, x, branch, norm, place)
    return x


def _residual(
    family: Family, block: Block, parts: Parts, x: Traced, branch: Any, norm: str, place: int
) -> Traced:
    if block.order == "behind":
        return _norm(family, parts, norm, parts.add(x, branch(x)))
    made = branch(_norm(family, parts, norm, x))
    if block.closing is not None:
        made = _norm(family, parts, block.closing[place], made)
    if block.scales is not None:
        made = parts.scale(*block.scales[place], made)
    return parts.add(x, made)


def _norm(family: Family, parts: Parts, name: str, x: Traced) -> Traced:
    if family.bare and not parts.has(name):
        return x
    return parts.norm(name, x, family.kind, offset=family.offset)


def _mlp(family: Family, mlp: Mlp, parts: Parts, x: Traced) -> Traced:
    if mlp.experts is not None and parts.has(mlp.experts.router):
        return _experts(family, mlp.experts, parts, x)
    return _dense(family, mlp, parts, x)


def _dense(family: Family, mlp: Mlp, parts: Parts, x: Traced) -> Traced:
    up = parts.linear(mlp.up, x, transposed=family.transposed)
    activation = _activation(family, parts.config)
    if mlp.fused:
        half = up.shape[-1] // 2
        gate, up = parts.tracer.move(
            "gate", lambda labels: (labels[..., :half], labels[..., half : 2 * half]), up
        )
        hidden = parts.tracer.join("product", parts.tracer.activation(activation, gate), up)
    elif mlp.gate is not None and parts.has(mlp.gate):
        gate = parts.linear(mlp.gate, x, transposed=family.transposed)
        hidden = parts.tracer.join("product", parts.tracer.activation(activation, gate), up)
    else:
        hidden = parts.tracer.activation(activation, up)
    return parts.linear(mlp.down, hidden, transposed=family.transposed)


def _experts(family: Family, experts: Experts, parts: Parts, x: Traced) -> Traced:
    """Every expert reads the stream and adds to it; which do is not followed."""
    routes = parts.linear(experts.router, x)
    parts.tracer.expose(routes)
    own = Mlp(up=experts.up, down=experts.down, gate=experts.gate)
    made = [_dense(family, own, part, x) for part in parts.repeated(experts.path)]
    if experts.shared is not None and parts.has(f"{experts.shared}.{experts.up}"):
        made.append(_dense(family, own, parts.below(experts.shared), x))
    if not made:
        raise Unfit(f"{experts.path}.0 is missing")
    return parts.add(*made)


def _activation(family: Family, config: Mapping[str, Any]) -> str:
    for key in ("hidden_act", "activation_function", "hidden_activation", "feed_forward_proj"):
        name = config.get(key)
        if isinstance(name, str):
            return _ACTIVATIONS.get(name, name.removeprefix("gated-"))
    return family.activation


def _attention(
    family: Family, attention: Attention, parts: Parts, x: Traced, source: Traced
) -> Traced:
    """Queries meet keys; values go to the output by head."""
    queries, keys, values = _projected(family, attention, parts, x, source)
    heads = _heads(parts.config, queries.shape[-1], keys.shape[-1])
    tracer = parts.tracer
    if heads is None and queries.shape[-1] != keys.shape[-1]:
        gone = tracer.stopped(queries.shape, _SHARED, queries, keys, values)
        return parts.linear(attention.out, gone, transposed=family.transposed)
    if attention.norms is not None:
        queries, keys = (
            _unit_norm(family, parts, name, side, heads)
            for name, side in zip(attention.norms, (queries, keys), strict=True)
        )
    cut = heads or Heads(1, 1, queries.shape[-1])
    by_head = [_cut(parts, side, n) for side, n in ((queries, cut.queries), (keys, cut.keys))]
    if attention.rotation is not None and heads is not None:
        turning = _turning(parts.config, cut.channels)
        by_head = [_rotated(parts, side, attention.rotation, turning) for side in by_head]
    _meet(parts, by_head[0], by_head[1], cut, known=heads is not None)
    times, values = cut.queries // cut.keys, _cut(parts, values, cut.keys)
    tracer.keep_apart(values, (2,))
    (out,) = tracer.move(
        "heads",
        lambda labels: np.repeat(labels, times, axis=2).reshape(*labels.shape[:2], -1),
        values,
    )
    return parts.linear(attention.out, out, transposed=family.transposed)


def _meet(parts: Parts, queries: Traced, keys: Traced, cut: Heads, *, known: bool) -> None:
    """Queries (1, length, heads, channels) meet keys; if heads are not known, none may move."""
    times = cut.queries // cut.keys
    (keys,) = parts.tracer.move("keys", lambda labels: np.repeat(labels, times, axis=2), keys)
    parts.tracer.meet(("bqhd", "bkhd", "bhqk"), queries, keys)
    if not known:
        parts.tracer.keep_apart(queries, (2, 3))


def _projected(
    family: Family, attention: Attention, parts: Parts, x: Traced, source: Traced
) -> tuple[Traced, Traced, Traced]:
    """Queries of x, keys and values of `source`."""
    if attention.fused is None:
        names = (attention.query, attention.key, attention.value)
        queries, keys, values = (
            parts.linear(str(name), read, transposed=family.transposed)
            for name, read in zip(names, (x, source, source), strict=True)
        )
        return queries, keys, values
    whole = parts.linear(attention.fused, x, transposed=family.transposed)
    queries, keys, values = parts.tracer.move(
        attention.fused, lambda labels: _parted(labels, attention, parts.config), whole
    )
    return queries, keys, values


def _parted(
    labels: LabelArray, attention: Attention, config: Mapping[str, Any]
) -> tuple[LabelArray, LabelArray, LabelArray]:
    """Queries, keys and values of what one layer gives.

    Raises:
        Unfit: how they are cut is not known, or does not fit.
    """
    size = labels.shape[-1]
    heads = _number(config, *_HEADS)
    if attention.style == "thirds" and size % 3 == 0 and _keys(config, heads) in (None, heads):
        first, second, third = np.split(labels, 3, axis=-1)
        return first, second, third
    if heads is None:
        raise Unfit(f"how many heads {attention.fused} has is not in the file")
    keys = _keys(config, heads) or heads
    if size % (heads + 2 * keys) or heads % keys:
        raise Unfit(f"{attention.fused} does not fit {heads} heads")
    width = size // (heads + 2 * keys)
    if attention.style == "thirds":
        cuts = np.split(labels, [heads * width, (heads + keys) * width], axis=-1)
        return cuts[0], cuts[1], cuts[2]
    per = heads // keys
    grouped = labels.reshape(*labels.shape[:-1], keys, per + 2, width)
    parts = (grouped[..., :per, :], grouped[..., per, :], grouped[..., per + 1, :])
    flat = [part.reshape(*labels.shape[:-1], -1) for part in parts]
    return flat[0], flat[1], flat[2]


def _heads(config: Mapping[str, Any], queries: int, keys: int) -> Heads | None:
    """How attention is cut by config.json; None where that does not tell, or does not fit."""
    heads = _number(config, *_HEADS)
    if heads is None or queries % heads:
        return None
    width = queries // heads
    stated = _number(config, "head_dim")
    if (stated is not None and stated != width) or keys % width:
        return None
    return Heads(heads, keys // width, width) if heads % (keys // width) == 0 else None


def _keys(config: Mapping[str, Any], heads: int | None) -> int | None:
    return (
        1
        if config.get("multi_query") is True
        else _number(config, "num_key_value_heads", "num_kv_heads") or heads
    )


def _number(config: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 20:
            return value
    return None


def _cut(parts: Parts, x: Traced, heads: int) -> Traced:
    (cut,) = parts.tracer.move("heads", lambda y: y.reshape(*y.shape[:-1], heads, -1), x)
    return cut


def _unit_norm(family: Family, parts: Parts, name: str, x: Traced, heads: Heads | None) -> Traced:
    """A norm of queries or keys: over all of them, or over each head."""
    if not parts.has(name):
        return x
    size = parts.tensor(name, rank=1).elements
    if size == x.shape[-1]:
        return _norm(family, parts, name, x)
    if heads is None or size != heads.channels:
        return x
    normed = _norm(family, parts, name, _cut(parts, x, x.shape[-1] // size))
    (flat,) = parts.tracer.move("units", lambda y: y.reshape(*y.shape[:-2], -1), normed)
    return flat


def _turning(config: Mapping[str, Any], channels: int) -> int:
    """Channels of a head that rotary positions turn."""
    stated = _number(config, "rotary_dim")
    share = next(
        (
            v
            for k in ("partial_rotary_factor", "rotary_pct")
            if isinstance(v := config.get(k), float)
        ),
        1.0,
    )
    turning = stated if stated is not None else int(channels * share)
    return min(channels, max(0, turning)) // 2 * 2


def _rotated(parts: Parts, x: Traced, rotation: Rotation, turning: int) -> Traced:
    """Heads (…, channels) whose first channels are added in pairs."""
    order = np.arange(x.shape[-1])
    if rotation == "halves":
        order[:turning] = np.roll(order[:turning], turning // 2)
    else:
        order[:turning] = order[:turning].reshape(-1, 2)[:, ::-1].reshape(-1)
    (turned,) = parts.tracer.move("rotated", lambda labels: labels[..., order], x)
    return parts.tracer.join("sum", x, turned)
