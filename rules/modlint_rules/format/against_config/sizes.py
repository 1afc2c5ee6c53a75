"""The shapes of layers against hidden sizes, heads and inner sizes.

Only for architectures whose shapes follow from the configuration as transformers builds them;
others are not judged. Source: transformers 5.24, `models/*/modeling_*.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modlint.checkpoint import Tensor
from modlint.results.model_config import ModelConfig, Section
from modlint.verdict import Severity
from modlint_rules.base.stated_layers import StatedStack, stated_stacks
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model

_LLAMA = """arcee cohere cohere2 exaone4 gemma gemma2 gemma3 gemma3_text glm glm4 gpt_oss granite
    helium llama ministral mistral mixtral olmo olmo2 olmo3 phi phi3 phimoe qwen2 qwen2_moe
    qwen2_5_vl_text qwen2_vl_text qwen3 qwen3_moe qwen3_vl_text seed_oss smollm3 stablelm
    starcoder2"""
_BERT = """bert camembert data2vec-text deit electra ernie esm roberta vit vit_mae xlm-roberta
    xlm-roberta-xl"""
_BART = """bart biogpt blenderbot clip_text_model clip_vision_model hubert m2m_100 marian mbart
    opt pegasus siglip_text_model siglip_vision_model speech_to_text unispeech wav2vec2 wavlm
    whisper"""
_T5 = "longt5 mt5 t5 umt5"
_LATENT = "deepseek_v2 deepseek_v3 glm4_moe_lite"
_EXPERTS = f"{_LATENT} qwen2_moe qwen3_moe"
_NEOX = "bloom gpt_neox"

_TABLE = (
    (r"(self_attn|attention)\.q_proj", f"{_LLAMA} {_BART}", "queries", "hidden"),
    (r"(self_attn|attention)\.(k|v)_proj", f"{_LLAMA} {_BART}", "keys", "hidden"),
    (r"(self_attn|attention)\.(o|out)_proj", f"{_LLAMA} {_BART}", "hidden", "queries"),
    (r"self_attn\.qkv_proj", "phi3", "queries and keys", "hidden"),
    (r"mlp\.(gate|up)_proj", f"{_LLAMA} {_LATENT}", "inner", "hidden"),
    (r"mlp\.down_proj", f"{_LLAMA} {_LATENT}", "hidden", "inner"),
    (r"mlp\.gate_up_proj", "phi3", "2 inner", "hidden"),
    (r"mlp\.(fc1|c_fc)", "phi starcoder2", "inner", "hidden"),
    (r"mlp\.(fc2|c_proj)", "phi starcoder2", "hidden", "inner"),
    (r"feed_forward\.intermediate_dense", "hubert unispeech wav2vec2 wavlm", "inner", "hidden"),
    (r"feed_forward\.output_dense", "hubert unispeech wav2vec2 wavlm", "hidden", "inner"),
    (r"fc1", _BART, "inner", "hidden"),
    (r"fc2", _BART, "hidden", "inner"),
    (r"experts\.\d+\.(w1|w3)", "mixtral phimoe", "inner", "hidden"),
    (r"experts\.\d+\.w2", "mixtral phimoe", "hidden", "inner"),
    (r"experts\.\d+\.(gate|up)_proj", _EXPERTS, "expert", "hidden"),
    (r"experts\.\d+\.down_proj", _EXPERTS, "hidden", "expert"),
    (r"self_attn\.q_a_proj", _LATENT, "latent queries", "hidden"),
    (r"self_attn\.kv_b_proj", _LATENT, "keys from latent", "latent"),
    (r"self_attn\.o_proj", _LATENT, "hidden", "values"),
    (r"attention\.(self|attention)\.(query|key|value)", f"{_BERT} beit dinov2", "hidden", "hidden"),
    (r"attention\.self\.(query|key|value)_proj", "deberta-v2", "hidden", "hidden"),
    (r"attention\.output\.dense", f"{_BERT} beit dinov2 deberta-v2", "hidden", "hidden"),
    (r"intermediate\.dense", f"{_BERT} beit deberta-v2", "inner", "hidden"),
    (r"(?<!attention\.)output\.dense", f"{_BERT} beit deberta-v2", "hidden", "inner"),
    (r"SelfAttention\.(q|k|v)", _T5, "queries", "hidden"),
    (r"SelfAttention\.o", _T5, "hidden", "queries"),
    (r"DenseReluDense\.wi(_0|_1)?", _T5, "inner", "hidden"),
    (r"DenseReluDense\.wo", _T5, "hidden", "inner"),
    (r"attn\.c_attn", "gpt2", "hidden", "3 hidden"),
    (r"attn\.c_proj", "gpt2", "hidden", "hidden"),
    (r"mlp\.c_fc", "gpt2", "hidden", "inner"),
    (r"mlp\.c_proj", "gpt2", "inner", "hidden"),
    (r"attn\.(attention\.)?(q|k|v|out)_proj", "gptj gpt_neo", "hidden", "hidden"),
    (r"mlp\.fc_in", "gptj", "inner", "hidden"),
    (r"mlp\.c_fc", "gpt_neo", "inner", "hidden"),
    (r"(self_)?attention\.query_key_value", _NEOX, "3 hidden", "hidden"),
    (r"(self_)?attention\.dense", _NEOX, "hidden", "hidden"),
    (r"mlp\.dense_h_to_4h", _NEOX, "inner", "hidden"),
    (r"mlp\.dense_4h_to_h", _NEOX, "hidden", "inner"),
    (r"attention\.(q|k|v|out)_lin", "distilbert", "hidden", "hidden"),
    (r"ffn\.lin1", "distilbert", "inner", "hidden"),
    (r"ffn\.lin2", "distilbert", "hidden", "inner"),
    (r"attn\.Wqkv", "modernbert", "3 hidden", "hidden"),
    (r"mlp\.Wi", "modernbert", "2 inner", "hidden"),
    (r"mlp\.Wo", "modernbert", "hidden", "inner"),
    (r"attn\.Wo", "modernbert", "hidden", "hidden"),
)
"""Names of weights in a layer, the model types that have them, what their two sizes are."""
_SHAPES = tuple(
    (re.compile(rf"(^|\.)({names})\.weight$"), frozenset(types.split()), axes)
    for names, types, *axes in _TABLE
)
KNOWN = frozenset[str]().union(*(types for _, types, _ in _SHAPES))
"""Model types of which some shapes follow from the configuration."""

_HIDDEN = ("hidden_size", "d_model", "n_embd", "dim")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_INNER = ("intermediate_size", "d_ff", "n_inner", "hidden_dim", "ffn_dim")
_OF_HEADS = (*_HEADS, "encoder_attention_heads", "decoder_attention_heads")
_KEYS = {
    "inner": (*_INNER, "encoder_ffn_dim", "decoder_ffn_dim"),
    "queries": (*_OF_HEADS, "head_dim", "d_kv"),
    "keys": (*_OF_HEADS, "num_key_value_heads", "head_dim"),
    "queries and keys": (*_OF_HEADS, "num_key_value_heads", "head_dim"),
    "2 inner": _INNER,
    "expert": ("moe_intermediate_size",),
    "latent": ("kv_lora_rank",),
    "latent queries": ("q_lora_rank",),
    "keys from latent": ("num_attention_heads", "qk_nope_head_dim", "v_head_dim"),
    "values": ("num_attention_heads", "v_head_dim"),
}
"""By what an axis is, the keys that its size follows from beside the hidden size."""


def compare_sizes(model: Model, comparison: Comparison) -> None:
    """Weights of a layer that are not of the stated sizes cannot be loaded."""
    for stated in stated_stacks(model.config, model.stacks):
        section = _section(model.config, stated)
        if _type(model.config, section) in KNOWN and not section.values.get("pruned_heads"):
            _compare_stack(model, stated, section, comparison)


def _compare_stack(
    model: Model, stated: StatedStack, section: Section, comparison: Comparison
) -> None:
    """Each kind of weight in all layers; of one that differs the first is told."""
    sizes, told = _sizes(section, stated), set[str]()
    kind = _type(model.config, section)
    for number, names in sorted(stated.stack.members.items()):
        for name in sorted(names - told):
            tensor = model.checkpoint.tensors.get(f"{stated.stack.name}.{number}.{name}")
            axes = _axes(name, kind)
            expected = tuple(size for axis in axes or () if (size := sizes[axis]) is not None)
            if tensor is None or tensor.dtype.kind != "float" or len(expected) != 2:
                continue
            if tensor.shape == expected:
                comparison.agree()
            elif len(tensor.shape) == 2:
                told.add(name)
                comparison.differ(_mismatch(tensor, axes or (), expected, section))


def _mismatch(
    tensor: Tensor, axes: Sequence[str], expected: tuple[int, ...], section: Section
) -> Mismatch:
    keys = dict.fromkeys(key for axis in axes for key in (*_KEYS.get(axis, ()), *_HIDDEN))
    named = ", ".join(section.called(key) for key, _ in section.sizes(*keys))
    return Mismatch(
        f"has the shape {list(tensor.shape)}, and {named} in config.json ask for"
        f" {list(expected)}: loading fails",
        "use the config.json that belongs to these weights",
        Severity.ERROR,
        tensor.name,
        {"shape": list(tensor.shape), "stated": list(expected)},
    )


def _axes(name: str, kind: str) -> Sequence[str] | None:
    found = (axes for names, types, axes in _SHAPES if kind in types and names.search(name))
    return next(found, None)


def _sizes(section: Section, stated: StatedStack) -> Mapping[str, int | None]:
    """By what an axis is, its size; None where the configuration does not tell."""
    half = "decoder" if "decoder" in stated.stack.name else "encoder"
    hidden = section.size(*_HIDDEN)
    heads = section.size(f"{half}_attention_heads", *_HEADS)
    width = section.size("head_dim", "d_kv") or (hidden // heads if hidden and heads else None)
    inner = section.size(f"{half}_ffn_dim", *_INNER)
    if inner is None and section.text("model_type") in ("bloom", "gpt2", "gpt_neo", "gptj"):
        inner = _product(4, hidden)
    groups = section.size("num_key_value_heads") or heads
    plain, value = section.size("qk_nope_head_dim"), section.size("v_head_dim")
    return {
        "hidden": hidden,
        "3 hidden": _product(3, hidden),
        "queries": _product(heads, width),
        "keys": _product(groups, width),
        "queries and keys": _product(heads + 2 * groups if heads and groups else None, width),
        "inner": inner,
        "2 inner": _product(2, inner),
        "expert": section.size("moe_intermediate_size"),
        "latent": section.size("kv_lora_rank"),
        "latent queries": section.size("q_lora_rank"),
        "keys from latent": _product(heads, plain + value if plain and value else None),
        "values": _product(heads, value),
    }


def _product(first: int | None, second: int | None) -> int | None:
    return first * second if first and second else None


def _section(config: ModelConfig, stated: StatedStack) -> Section:
    path = tuple(stated.key.split(".")[:-1])
    return next((s for s in config.sections if s.path == path), config.root)


def _type(config: ModelConfig, section: Section) -> str:
    return section.text("model_type") or (config.model_type if not section.path else "")
