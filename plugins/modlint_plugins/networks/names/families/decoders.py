"""Language models that read from left to right, and encoder-decoders."""

from __future__ import annotations

from modlint.network import NormKind
from modlint_plugins.networks.names.families.layout import (
    Attention,
    Block,
    Experts,
    Family,
    Mlp,
    Order,
    Rotation,
    Stack,
)

_SCORE = ("score",)


def _head(table: str | None = None) -> tuple[tuple[str, ...], ...]:
    """A language model's head, which may be its table of embeddings, or a classifier."""
    return ("|=".join(("lm_head", *(table or "").split("|"))).removesuffix("|="),), _SCORE


_HEAD = _head()


def _separate(
    prefix: str, out: str, rotation: Rotation | None = None, *, normed: bool = False
) -> Attention:
    return Attention(
        f"{prefix}.{out}",
        query=f"{prefix}.q_proj",
        key=f"{prefix}.k_proj",
        value=f"{prefix}.v_proj",
        norms=(f"{prefix}.q_norm", f"{prefix}.k_norm") if normed else None,
        rotation=rotation,
    )


_LLAMA_ATTENTION = _separate("self_attn", "o_proj", "halves", normed=True)
_GATED = Mlp("mlp.up_proj", "mlp.down_proj", gate="mlp.gate_proj")
_LLAMA_NORMS = ("input_layernorm", "post_attention_layernorm")


def _llama(
    name: str,
    types: tuple[str, ...],
    block: Block,
    offset: float = 0.0,
    kind: NormKind = "rms",
) -> Family:
    stack = Stack("layers", block, embeddings=("embed_tokens",), final="norm")
    return Family(
        name,
        types,
        (stack,),
        _head("embed_tokens"),
        kind=kind,
        offset=offset,
        activation="silu",
        optional=("rotary_emb",),
    )


def _gpt2(types: tuple[str, ...], name: str, *, transposed: bool) -> Family:
    block = Block(
        Attention("attn.c_proj", fused="attn.c_attn"),
        Mlp("mlp.c_fc", "mlp.c_proj"),
        norms=("ln_1", "ln_2"),
    )
    stack = Stack("h", block, embeddings=("wte", "wpe"), final="ln_f")
    return Family(
        name,
        types,
        (stack,),
        _head("wte"),
        transposed=transposed,
        optional=("attn.bias", "attn.masked_bias"),
    )


_BART_TABLES = "{}.embed_tokens|shared|encoder.embed_tokens|decoder.embed_tokens"


def _bart(name: str, types: tuple[str, ...], order: Order, final: bool) -> Family:
    norms = ("self_attn_layer_norm", "final_layer_norm")
    attention, mlp = _separate("self_attn", "out_proj"), Mlp("fc1", "fc2")
    cross = (_separate("encoder_attn", "out_proj"), "encoder_attn_layer_norm")
    blocks = (Block(attention, mlp, norms, order), Block(attention, mlp, norms, order, cross))
    stacks = tuple(
        Stack(
            f"{side}.layers",
            block,
            embeddings=(_BART_TABLES.format(side), f"{side}.embed_positions"),
            opening=f"{side}.layernorm_embedding",
            final=f"{side}.layer_norm" if final else None,
        )
        for side, block in zip(("encoder", "decoder"), blocks, strict=True)
    )
    return Family(name, types, stacks, _head(_BART_TABLES.format("decoder")))


_T5_TABLES = "shared|encoder.embed_tokens|decoder.embed_tokens"


def _t5_attention(path: str) -> Attention:
    return Attention(f"{path}.o", query=f"{path}.q", key=f"{path}.k", value=f"{path}.v")


def _t5_block(last: int, *, cross: bool) -> Block:
    feed = f"layer.{last}.DenseReluDense"
    return Block(
        _t5_attention("layer.0.SelfAttention"),
        Mlp(f"{feed}.wi_1", f"{feed}.wo", gate=f"{feed}.wi_0"),
        norms=("layer.0.layer_norm", f"layer.{last}.layer_norm"),
        cross=(_t5_attention("layer.1.EncDecAttention"), "layer.1.layer_norm") if cross else None,
    )


def _ungated(block: Block, last: int) -> Block:
    feed = f"layer.{last}.DenseReluDense"
    return Block(block.attention, Mlp(f"{feed}.wi", f"{feed}.wo"), block.norms, cross=block.cross)


def _t5(name: str, encoder: Block, decoder: Block) -> Family:
    return Family(
        name,
        ("t5", "mt5", "umt5", "longt5"),
        (
            Stack(
                "encoder.block", encoder, embeddings=(_T5_TABLES,), final="encoder.final_layer_norm"
            ),
            Stack(
                "decoder.block", decoder, embeddings=(_T5_TABLES,), final="decoder.final_layer_norm"
            ),
        ),
        _head(_T5_TABLES),
        kind="rms",
        activation="relu",
        optional=("relative_attention_bias", "embed_tokens"),
    )


DECODERS = (
    _llama(
        "LLaMA",
        ("llama", "mistral", "qwen2", "qwen3", "smollm3"),
        Block(_LLAMA_ATTENTION, _GATED, norms=_LLAMA_NORMS),
    ),
    _llama(
        "StableLM",
        ("stablelm",),
        Block(_separate("self_attn", "o_proj", "halves"), _GATED, norms=_LLAMA_NORMS),
        kind="layer",
    ),
    _llama(
        "Cohere",
        ("cohere",),
        Block(
            _separate("self_attn", "o_proj", "pairs"),
            _GATED,
            norms=("input_layernorm",),
            order="parallel",
        ),
        kind="layer",
    ),
    _llama(
        "Gemma",
        ("gemma",),
        Block(_LLAMA_ATTENTION, _GATED, norms=_LLAMA_NORMS),
        offset=1.0,
    ),
    _llama(
        "Gemma 2",
        ("gemma2", "gemma3", "gemma3_text"),
        Block(
            _LLAMA_ATTENTION,
            _GATED,
            norms=("input_layernorm", "pre_feedforward_layernorm"),
            order="around",
            closing=("post_attention_layernorm", "post_feedforward_layernorm"),
        ),
        offset=1.0,
    ),
    _llama(
        "Phi-3",
        ("phi3",),
        Block(
            Attention("self_attn.o_proj", fused="self_attn.qkv_proj", rotation="halves"),
            Mlp("mlp.gate_up_proj", "mlp.down_proj", fused=True),
            norms=_LLAMA_NORMS,
        ),
    ),
    _llama(
        "Mixtral",
        ("mixtral",),
        Block(
            _LLAMA_ATTENTION,
            Mlp(
                "",
                "",
                experts=Experts(
                    "block_sparse_moe.experts", "w1", "w3", "w2", "block_sparse_moe.gate"
                ),
            ),
            norms=_LLAMA_NORMS,
        ),
    ),
    _llama(
        "a mixture of experts",
        ("qwen2_moe", "qwen3_moe", "olmoe"),
        Block(
            _LLAMA_ATTENTION,
            Mlp(
                "mlp.up_proj",
                "mlp.down_proj",
                gate="mlp.gate_proj",
                experts=Experts(
                    "mlp.experts",
                    "gate_proj",
                    "up_proj",
                    "down_proj",
                    "mlp.gate",
                    shared="mlp.shared_expert",
                ),
            ),
            norms=_LLAMA_NORMS,
        ),
    ),
    Family(
        "OLMo",
        ("olmo",),
        (
            Stack(
                "layers",
                Block(
                    _separate("self_attn", "o_proj", "halves"),
                    _GATED,
                    norms=("input_layernorm", "post_attention_layernorm"),
                ),
                embeddings=("embed_tokens",),
            ),
        ),
        _head("embed_tokens"),
        activation="silu",
        bare=True,
    ),
    Family(
        "Meta's LLaMA",
        (),
        (
            Stack(
                "layers",
                Block(
                    Attention(
                        "attention.wo",
                        query="attention.wq",
                        key="attention.wk",
                        value="attention.wv",
                        rotation="pairs",
                    ),
                    Mlp("feed_forward.w3", "feed_forward.w2", gate="feed_forward.w1"),
                    norms=("attention_norm", "ffn_norm"),
                ),
                embeddings=("tok_embeddings",),
                final="norm",
            ),
        ),
        (("output",),),
        kind="rms",
        activation="silu",
        optional=("attention.mask", "freqs"),
    ),
    _gpt2(("gpt2",), "GPT-2", transposed=True),
    _gpt2((), "nanoGPT", transposed=False),
    Family(
        "GPT-Neo",
        ("gpt_neo",),
        (
            Stack(
                "h",
                Block(
                    _separate("attn.attention", "out_proj"),
                    Mlp("mlp.c_fc", "mlp.c_proj"),
                    norms=("ln_1", "ln_2"),
                ),
                embeddings=("wte", "wpe"),
                final="ln_f",
            ),
        ),
        _head("wte"),
        optional=("attn.attention.bias", "attn.attention.masked_bias"),
    ),
    Family(
        "GPT-J",
        ("gptj",),
        (
            Stack(
                "h",
                Block(
                    _separate("attn", "out_proj", "pairs"),
                    Mlp("mlp.fc_in", "mlp.fc_out"),
                    norms=("ln_1",),
                    order="parallel",
                ),
                embeddings=("wte",),
                final="ln_f",
            ),
        ),
        _head("wte"),
        optional=("attn.bias", "attn.masked_bias"),
    ),
    Family(
        "GPT-NeoX",
        ("gpt_neox",),
        (
            Stack(
                "layers",
                Block(
                    Attention(
                        "attention.dense",
                        fused="attention.query_key_value",
                        style="heads",
                        rotation="halves",
                    ),
                    Mlp("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
                    norms=("input_layernorm", "post_attention_layernorm"),
                    order="parallel",
                ),
                embeddings=("embed_in",),
                final="final_layer_norm",
            ),
        ),
        (("embed_out",),),
        optional=("attention.bias", "attention.masked_bias", "rotary_emb"),
    ),
    Family(
        "Phi",
        ("phi",),
        (
            Stack(
                "layers",
                Block(
                    _separate("self_attn", "dense", "halves"),
                    Mlp("mlp.fc1", "mlp.fc2"),
                    norms=("input_layernorm",),
                    order="parallel",
                ),
                embeddings=("embed_tokens",),
                final="final_layernorm",
            ),
        ),
        _head("embed_tokens"),
        optional=("rotary_emb",),
    ),
    Family(
        "BLOOM",
        ("bloom",),
        (
            Stack(
                "h",
                Block(
                    Attention(
                        "self_attention.dense",
                        fused="self_attention.query_key_value",
                        style="heads",
                    ),
                    Mlp("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
                    norms=("input_layernorm", "post_attention_layernorm"),
                ),
                embeddings=("word_embeddings",),
                opening="word_embeddings_layernorm",
                final="ln_f",
            ),
        ),
        _head("word_embeddings"),
    ),
    Family(
        "Falcon",
        ("falcon",),
        (
            Stack(
                "h",
                Block(
                    Attention(
                        "self_attention.dense",
                        fused="self_attention.query_key_value",
                        style="groups",
                        rotation="halves",
                    ),
                    Mlp("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
                    norms=("input_layernorm",),
                    order="parallel",
                ),
                embeddings=("word_embeddings",),
                final="ln_f",
            ),
        ),
        _head("word_embeddings"),
    ),
    Family(
        "OPT",
        ("opt",),
        (
            Stack(
                "decoder.layers",
                Block(
                    _separate("self_attn", "out_proj"),
                    Mlp("fc1", "fc2"),
                    norms=("self_attn_layer_norm", "final_layer_norm"),
                ),
                embeddings=("decoder.embed_tokens", "decoder.embed_positions"),
                projected="decoder.project_in",
                final="decoder.final_layer_norm",
            ),
        ),
        _head("decoder.embed_tokens"),
        activation="relu",
    ),
    Family(
        "StarCoder 2",
        ("starcoder2",),
        (
            Stack(
                "layers",
                Block(
                    _separate("self_attn", "o_proj", "halves"),
                    Mlp("mlp.c_fc", "mlp.c_proj"),
                    norms=_LLAMA_NORMS,
                ),
                embeddings=("embed_tokens",),
                final="norm",
            ),
        ),
        _head("embed_tokens"),
    ),
    _bart("BART", ("bart", "plbart"), "behind", final=False),
    _bart("Marian", ("marian",), "behind", final=False),
    _bart("mBART", ("mbart", "pegasus", "m2m_100", "blenderbot"), "before", final=True),
    _t5("T5", _ungated(_t5_block(1, cross=False), 1), _ungated(_t5_block(2, cross=True), 2)),
    _t5("T5 1.1", _t5_block(1, cross=False), _t5_block(2, cross=True)),
)
