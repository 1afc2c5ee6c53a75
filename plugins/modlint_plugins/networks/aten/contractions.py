"""Products of two tensors that both depend on the input, and attention."""

from __future__ import annotations

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.traced import Traced


def contraction(walk: Walk, letters: tuple[str, str, str], x: Tensorlike, y: Tensorlike) -> Traced:
    """Einsum of two tensors of which neither is a weight; axes are named by letters."""
    sizes: dict[str, int] = {}
    for term, tensor in ((letters[0], x), (letters[1], y)):
        for letter, n in zip(term, tensor.shape, strict=True):
            if n != 1 and sizes.get(letter, 1) not in (1, n):
                raise ValueError(f"axes of {n} and {sizes[letter]} are one")
            sizes[letter] = max(n, sizes.get(letter, 1))
    shape = tuple(sizes[letter] for letter in letters[2])
    return walk.tracer.contracted("product", letters, walk.traced(x), walk.traced(y), shape)


@table(
    "scaled_dot_product_attention _scaled_dot_product_attention_math", "query key value attn_mask"
)
def _attention(walk: Walk, a: Arguments) -> Value:
    out, scores = attention(walk, a.tensor("query"), a.tensor("key"), a.tensor("value"))
    return out if a.op == "scaled_dot_product_attention" else [out, scores]


@table(
    "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_flash_attention"
    " _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention",
    "query key value",
)
def _fused_attention(walk: Walk, a: Arguments) -> Value:
    out, scores = attention(walk, a.tensor("query"), a.tensor("key"), a.tensor("value"))
    return [out, walk.run("amax", scores, [-1]), *(None for _ in range(7))]


def attention(walk: Walk, q: Tensorlike, k: Tensorlike, v: Tensorlike) -> tuple[Traced, Traced]:
    """Values weighted by how queries meet keys, and the probabilities."""
    rank = q.rank
    if rank < 2 or k.rank != rank or v.rank != rank:
        raise UnfollowedError("attention of tensors of different ranks")
    if rank > 3 and q.shape[-3] != k.shape[-3] and k.shape[-3] > 0:  # several queries share a key
        times = q.shape[-3] // k.shape[-3]
        k, v = (walk.move("repeat", lambda x: np.repeat(x, times, -3), t) for t in (k, v))
    lead = "abcdefgh"[: rank - 2]
    scores = contraction(walk, (f"{lead}qx", f"{lead}kx", f"{lead}qk"), q, k)
    weights = walk.tracer.forgotten("softmax", scores.shape, scores)
    return contraction(walk, (f"{lead}qk", f"{lead}kv", f"{lead}qv"), weights, v), weights


@table(
    "_native_multi_head_attention",
    "query key value embed_dim num_head qkv_weight qkv_bias proj_weight proj_bias",
)
def _multi_head(walk: Walk, a: Arguments) -> Value:
    out = _heads(walk, a, a.tensor("query"), a.int("num_head"))
    return [out, Fixed((0,))]


def _heads(walk: Walk, a: Arguments, x: Tensorlike, heads: int) -> Value:
    """Self-attention whose projections are stacked."""
    batch, length, width = x.shape
    stacked = walk.run("linear", x, a.tensor("qkv_weight"), a.optional("qkv_bias"))
    parts = walk.run("chunk", stacked, 3, -1)
    split = [walk.run("reshape", part, (batch, length, heads, width // heads)) for part in parts]
    q, k, v = (walk.run("transpose", part, 1, 2) for part in split)
    out, _ = attention(walk, q, k, v)
    joined = walk.run("reshape", walk.run("transpose", out, 1, 2), (batch, length, width))
    return walk.run("linear", joined, a.tensor("proj_weight"), a.optional("proj_bias"))


@table(
    "_transformer_encoder_layer_fwd",
    "src embed_dim num_heads qkv_weight qkv_bias proj_weight proj_bias use_gelu norm_first eps"
    " norm_weight_1 norm_bias_1 norm_weight_2 norm_bias_2 ffn_weight_1 ffn_bias_1 ffn_weight_2"
    " ffn_bias_2 mask mask_type",
)
def _encoder_layer(walk: Walk, a: Arguments) -> Value:
    x, first = a.tensor("src"), a.flag("norm_first")
    width = a.int("embed_dim")

    def normed(value: Value, which: int) -> Value:
        weight, bias = a.optional(f"norm_weight_{which}"), a.optional(f"norm_bias_{which}")
        return walk.run("layer_norm", value, (width,), weight, bias, a.get("eps"))

    def feed_forward(value: Value) -> Value:
        inner = walk.run("linear", value, a.tensor("ffn_weight_1"), a.optional("ffn_bias_1"))
        inner = walk.run("gelu" if a.flag("use_gelu") else "relu", inner)
        return walk.run("linear", inner, a.tensor("ffn_weight_2"), a.optional("ffn_bias_2"))

    heads = a.int("num_heads")
    x = walk.run("add", x, _heads(walk, a, normed(x, 1) if first else x, heads))
    x = x if first else normed(x, 1)
    x = walk.run("add", x, feed_forward(normed(x, 2) if first else x))
    return x if first else normed(x, 2)
