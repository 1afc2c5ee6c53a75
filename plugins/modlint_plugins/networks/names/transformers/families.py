"""How transformers name the parts of a block.

Each table follows the source that defines its modules: Hugging Face transformers' modeling_*.py,
Meta's llama/model.py, OpenAI's gpt-2 as transformers and nanoGPT port it, timm's
vision_transformer.py and torch.nn.TransformerEncoderLayer. Models whose names are these but whose
graph is another (where norms stand, more branches) must differ in some name within the block.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Attention(Struct, frozen=True):
    """Names of the linear layers of attention that are stored apart.

    Attributes:
        query: (attention, stream).
        key: (attention, stream); less rows where heads share them.
        value: as `key`.
        out: (stream, attention).
        norm: the norm of its input; None where the block before, or the embedding, closes with it.
        unit_norms: norms of queries and keys, which scale no edge.
    """

    query: str
    key: str
    value: str
    out: str
    norm: str | None = None
    unit_norms: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[str, str, str, str]:
        """All four, in topological order."""
        return self.query, self.key, self.value, self.out


class Family(Struct, frozen=True):
    """The names within a block; a block has all that are not optional, and no others.

    Attributes:
        name: what people call it.
        drivers: layers that drive the MLP's hidden units, (hidden, stream): one, or the gate and
            what it gates.
        down: the layer that reads them, (stream, hidden).
        norm: the norm of the MLP's input.
        attention: where query, key and value are stored apart.
        fused: the tensor that holds all three, (3 · attention, stream).
        kind: of its norms.
        closing: the norm behind the block's last addition, which the next block reads.
        scale: a factor for each unit of the stream behind `down`.
        optional: prefixes of names that may be there and take no part in the network.
        turns: linear layers may all be stored as (in, out).
        caveat: what its names leave open and what is assumed.
    """

    name: str
    drivers: tuple[str, ...]
    down: str
    norm: str
    attention: Attention | None = None
    fused: str | None = None
    kind: Literal["layer", "rms"] = "layer"
    closing: str | None = None
    scale: str | None = None
    optional: tuple[str, ...] = ()
    turns: bool = False
    caveat: str | None = None


FAMILIES = (
    Family(
        "BERT",
        drivers=("intermediate.dense",),
        down="output.dense",
        norm="attention.output.LayerNorm",
        attention=Attention(
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ),
        closing="output.LayerNorm",
    ),
    Family(
        "DistilBERT",
        drivers=("ffn.lin1",),
        down="ffn.lin2",
        norm="sa_layer_norm",
        attention=Attention(
            "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"
        ),
        closing="output_layer_norm",
    ),
    Family(
        "ViT",
        drivers=("intermediate.dense",),
        down="output.dense",
        norm="layernorm_after",
        attention=Attention(
            "attention.attention.query",
            "attention.attention.key",
            "attention.attention.value",
            "attention.output.dense",
            norm="layernorm_before",
        ),
    ),
    Family(
        "CLIP",
        drivers=("mlp.fc1",),
        down="mlp.fc2",
        norm="layer_norm2",
        attention=Attention(
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
            "self_attn.out_proj",
            norm="layer_norm1",
        ),
    ),
    Family(
        "LLaMA",
        drivers=("mlp.gate_proj", "mlp.up_proj"),
        down="mlp.down_proj",
        norm="post_attention_layernorm",
        attention=Attention(
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
            "self_attn.o_proj",
            norm="input_layernorm",
            unit_norms=("self_attn.q_norm", "self_attn.k_norm"),
        ),
        kind="rms",
        optional=("self_attn.rotary_emb.inv_freq",),
        caveat="a norm's weight is taken as its factor; Gemma, of the same names, adds 1 to it",
    ),
    Family(
        "Meta's LLaMA",
        drivers=("feed_forward.w1", "feed_forward.w3"),
        down="feed_forward.w2",
        norm="ffn_norm",
        attention=Attention(
            "attention.wq",
            "attention.wk",
            "attention.wv",
            "attention.wo",
            norm="attention_norm",
        ),
        kind="rms",
        optional=("attention.mask", "attention.inner_attention.rope.freqs"),
    ),
    Family(
        "GPT-2",
        drivers=("mlp.c_fc",),
        down="mlp.c_proj",
        norm="ln_2",
        fused="attn.c_attn.weight",
        optional=("attn.c_attn.", "attn.c_proj.", "attn.bias", "attn.masked_bias", "ln_1."),
        turns=True,
    ),
    Family(
        "timm's ViT",
        drivers=("mlp.fc1",),
        down="mlp.fc2",
        norm="norm2",
        fused="attn.qkv.weight",
        scale="ls2",
        optional=("attn.qkv.", "attn.proj.", "attn.q_norm.", "attn.k_norm.", "norm1.", "ls1."),
    ),
    Family(
        "torch.nn.TransformerEncoderLayer",
        drivers=("linear1",),
        down="linear2",
        norm="norm1",
        fused="self_attn.in_proj_weight",
        closing="norm2",
        optional=("self_attn.in_proj_bias", "self_attn.out_proj."),
        caveat="norms are taken to stand behind the additions, PyTorch's default: norm_first is"
        " not recorded",
    ),
)
