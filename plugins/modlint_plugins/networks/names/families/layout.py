"""What a transformer's tables of names hold."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from modlint.network import NormKind

Order = Literal["before", "behind", "parallel", "around"]
"""Where a block's norms stand: before each branch, behind each addition, before branches that run
side by side, or before and behind each branch."""

Fused = Literal["thirds", "heads", "groups"]
"""How one tensor holds queries, keys and values: one after the other; for each head its three; for
each group of heads its queries, a key and a value."""

Pool = Literal["first", "mean", "both"]
"""What heads read of an image's positions: the first, the mean of the patches, or both, one behind
the other."""

Rotation = Literal["halves", "pairs"]
"""Which channels of a head rotary positions turn together: j and j + d/2, or 2j and 2j + 1."""


class Attention(Struct, frozen=True):
    """Names of the layers of attention.

    Attributes:
        query: with `key` and `value`, or `fused` alone.
        fused: the layer that gives all three.
        style: how it holds them.
        norms: of queries and keys, by head or over all, where there are any.
        rotation: of rotary positions, if any.
    """

    out: str
    query: str | None = None
    key: str | None = None
    value: str | None = None
    fused: str | None = None
    style: Fused = "thirds"
    norms: tuple[str, str] | None = None
    rotation: Rotation | None = None


class Experts(Struct, frozen=True):
    """Names of a mixture's layers: `path` is repeated; `shared` experts see every token."""

    path: str
    gate: str | None
    up: str
    down: str
    router: str
    shared: str | None = None


class Mlp(Struct, frozen=True):
    """Names of an MLP's layers; `gate` multiplies what `up` gives; `fused` gives both."""

    up: str
    down: str
    gate: str | None = None
    fused: bool = False
    experts: Experts | None = None


class Block(Struct, frozen=True):
    """Names within a block.

    Attributes:
        norms: of the attention and of the MLP; one where a parallel block has one.
        cross: the attention to another stack, and its norm.
        closing: norms behind the branches of order "around".
        scales: factors of the branches' channels.
    """

    attention: Attention
    mlp: Mlp
    norms: tuple[str, ...]
    order: Order = "before"
    cross: tuple[Attention, str] | None = None
    closing: tuple[str, str] | None = None
    scales: tuple[tuple[str, str], tuple[str, str]] | None = None


class Stack(Struct, frozen=True):
    """Names of a stack of blocks and what stands before and behind them.

    Attributes:
        path: where its blocks are ("encoder.layer"), numbered from 0; "" for one block alone.
        embeddings: tables that are added; those past the first may be missing; of names joined by
            "|" the first that is there.
        patches: the convolution that makes channels of an image or a sound, instead.
        tokens: parameters that stand as positions in front of the patches; heads read the first.
        opening: the norm behind the embeddings.
        final: the norm behind the last block.
        projected: the layer between the embeddings and the stream.
        shared: every layer runs the same blocks, as often as config.json says.
    """

    path: str
    block: Block
    embeddings: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    opening: str | None = None
    final: str | None = None
    projected: str | None = None
    shared: bool = False


class Family(Struct, frozen=True):
    """A model.

    Attributes:
        name: what people call it.
        types: `model_type` in config.json.
        stacks: the first may feed the second.
        heads: chains of layers and norms that read the last stack's result, as far as there are
            any; of names joined by "|" the first that is there. "=" stands before a table of
            embeddings that is the head, too, where config.json or the rest of the chain says so.
        pool: which positions heads read where tokens stand in front of patches.
        kind: of its norms.
        offset: added to norms' scales.
        transposed: linear layers are stored as (in, out).
        activation: of its MLPs, where no config.json tells.
        bare: norms may have no tensors.
        optional: parts of names within blocks that take no part in the network.
    """

    name: str
    types: tuple[str, ...]
    stacks: tuple[Stack, ...]
    heads: tuple[tuple[str, ...], ...] = ()
    pool: Pool = "first"
    kind: NormKind = "layer"
    offset: float = 0.0
    transposed: bool = False
    activation: str = "gelu"
    bare: bool = False
    optional: tuple[str, ...] = ()
