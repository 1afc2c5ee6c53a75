"""What the two sizes of a layer's weights are, by name and model type.

Source: transformers 5.24, `models/*/modeling_*.py`.
"""

from __future__ import annotations

import re

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
SHAPES = tuple(
    (re.compile(rf"(^|\.)({names})\.weight$"), frozenset(types.split()), axes)
    for names, types, *axes in _TABLE
)
"""The same, as patterns that are searched in the names within a layer."""
KNOWN = frozenset[str]().union(*(types for _, types, _ in SHAPES))
"""Model types of which some shapes follow from the configuration."""
