"""Tiny models of many architectures, written by transformers as its users write theirs.

Sizes differ from each other, so that one that stands in another's place does not fit by accident.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

COMMON: Mapping[str, Any] = {
    "vocab_size": 131,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
GROUPED: Mapping[str, Any] = {**COMMON, "num_key_value_heads": 2}
HEADED: Mapping[str, Any] = {**GROUPED, "head_dim": 16}
BART: Mapping[str, Any] = {
    "vocab_size": 131,
    "d_model": 48,
    "encoder_layers": 3,
    "decoder_layers": 4,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 80,
    "decoder_ffn_dim": 96,
    "max_position_embeddings": 40,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "decoder_start_token_id": 2,
}
T5: Mapping[str, Any] = {
    "vocab_size": 131,
    "d_model": 48,
    "d_kv": 10,
    "d_ff": 80,
    "num_layers": 3,
    "num_decoder_layers": 4,
    "num_heads": 4,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}
EXPERTS: Mapping[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2}
VISION: Mapping[str, Any] = {
    "hidden_size": 40,
    "intermediate_size": 72,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "image_size": 16,
    "patch_size": 8,
}
PICTURES: Mapping[str, Any] = {**VISION, "num_hidden_layers": 3, "num_channels": 3}
SPEECH: Mapping[str, Any] = {
    **COMMON,
    "conv_dim": [16, 16],
    "conv_kernel": [3, 3],
    "conv_stride": [2, 2],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embedding_groups": 4,
    "num_conv_pos_embeddings": 8,
}
WHISPER: Mapping[str, Any] = {**BART, "num_mel_bins": 8, "max_source_positions": 20}
CLIP_TEXT: Mapping[str, Any] = {**COMMON, "num_hidden_layers": 4}
DEEPSEEK: Mapping[str, Any] = {
    **COMMON,
    "num_key_value_heads": 4,
    "moe_intermediate_size": 20,
    "n_routed_experts": 8,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 16,
    "q_lora_rank": 24,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 12,
    "v_head_dim": 14,
}
LLAVA_TEXT: Mapping[str, Any] = {**GROUPED, "model_type": "llama"}
CLIP_VISION: Mapping[str, Any] = {**VISION, "model_type": "clip_vision_model"}

MODELS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "bert": ("BertConfig", "BertForMaskedLM", COMMON),
    "bert base": ("BertConfig", "BertModel", COMMON),
    "bert classifier": ("BertConfig", "BertForSequenceClassification", COMMON),
    "roberta": ("RobertaConfig", "RobertaForMaskedLM", COMMON),
    "electra": ("ElectraConfig", "ElectraForPreTraining", {**COMMON, "embedding_size": 24}),
    "albert": ("AlbertConfig", "AlbertForMaskedLM", {**COMMON, "embedding_size": 24}),
    "deberta": ("DebertaV2Config", "DebertaV2ForMaskedLM", COMMON),
    "distilbert": (
        "DistilBertConfig",
        "DistilBertForMaskedLM",
        {"vocab_size": 131, "dim": 48, "hidden_dim": 80, "n_layers": 3, "n_heads": 4},
    ),
    "modernbert": (
        "ModernBertConfig",
        "ModernBertForMaskedLM",
        {**COMMON, "cls_token_id": 3, "sep_token_id": 4},
    ),
    "gpt2": (
        "GPT2Config",
        "GPT2LMHeadModel",
        {"vocab_size": 131, "n_embd": 48, "n_layer": 3, "n_head": 4, "n_positions": 40},
    ),
    "gpt_neo": (
        "GPTNeoConfig",
        "GPTNeoForCausalLM",
        {
            "vocab_size": 131,
            "hidden_size": 48,
            "num_layers": 4,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 2]],
        },
    ),
    "gptj": (
        "GPTJConfig",
        "GPTJForCausalLM",
        {"vocab_size": 131, "n_embd": 48, "n_layer": 3, "n_head": 4, "rotary_dim": 4},
    ),
    "gpt_neox": ("GPTNeoXConfig", "GPTNeoXForCausalLM", COMMON),
    "bloom": (
        "BloomConfig",
        "BloomForCausalLM",
        {"vocab_size": 131, "hidden_size": 48, "n_layer": 3, "n_head": 4},
    ),
    "falcon": ("FalconConfig", "FalconForCausalLM", COMMON),
    "opt": (
        "OPTConfig",
        "OPTForCausalLM",
        {k: v for k, v in COMMON.items() if k != "intermediate_size"}
        | {"ffn_dim": 80, "word_embed_proj_dim": 32},
    ),
    "llama": ("LlamaConfig", "LlamaForCausalLM", GROUPED),
    "llama base": ("LlamaConfig", "LlamaModel", GROUPED),
    "llama tied": ("LlamaConfig", "LlamaForCausalLM", {**GROUPED, "tie_word_embeddings": True}),
    "mistral": ("MistralConfig", "MistralForCausalLM", HEADED),
    "mixtral": ("MixtralConfig", "MixtralForCausalLM", {**GROUPED, "num_local_experts": 4}),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", GROUPED),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", HEADED),
    "qwen3_moe": (
        "Qwen3MoeConfig",
        "Qwen3MoeForCausalLM",
        {**HEADED, **EXPERTS, "moe_intermediate_size": 20},
    ),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", HEADED),
    "gemma2": ("Gemma2Config", "Gemma2ForCausalLM", HEADED),
    "gemma3": ("Gemma3TextConfig", "Gemma3ForCausalLM", HEADED),
    "phi": ("PhiConfig", "PhiForCausalLM", COMMON),
    "phi3": ("Phi3Config", "Phi3ForCausalLM", GROUPED),
    "olmo2": ("Olmo2Config", "Olmo2ForCausalLM", GROUPED),
    "stablelm": ("StableLmConfig", "StableLmForCausalLM", GROUPED),
    "starcoder2": ("Starcoder2Config", "Starcoder2ForCausalLM", GROUPED),
    "cohere": ("CohereConfig", "CohereForCausalLM", GROUPED),
    "granite": ("GraniteConfig", "GraniteForCausalLM", GROUPED),
    "smollm3": ("SmolLM3Config", "SmolLM3ForCausalLM", GROUPED),
    "gpt_oss": (
        "GptOssConfig",
        "GptOssForCausalLM",
        {**HEADED, "num_local_experts": 4, "num_experts_per_tok": 2},
    ),
    "deepseek_v3": ("DeepseekV3Config", "DeepseekV3ForCausalLM", DEEPSEEK),
    "mamba": (
        "MambaConfig",
        "MambaForCausalLM",
        {"vocab_size": 131, "hidden_size": 48, "num_hidden_layers": 3, "state_size": 4},
    ),
    "rwkv": (
        "RwkvConfig",
        "RwkvForCausalLM",
        {"vocab_size": 131, "hidden_size": 48, "num_hidden_layers": 3, "attention_hidden_size": 48},
    ),
    "jamba": (
        "JambaConfig",
        "JambaForCausalLM",
        {
            **GROUPED,
            "num_hidden_layers": 4,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "num_experts": 4,
            "mamba_d_state": 4,
        },
    ),
    "t5": ("T5Config", "T5ForConditionalGeneration", T5),
    "t5 encoder": ("T5Config", "T5EncoderModel", T5),
    "flan-t5": (
        "T5Config",
        "T5ForConditionalGeneration",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "mt5": ("MT5Config", "MT5ForConditionalGeneration", T5),
    "bart": ("BartConfig", "BartForConditionalGeneration", BART),
    "mbart": ("MBartConfig", "MBartForConditionalGeneration", BART),
    "marian": ("MarianConfig", "MarianMTModel", BART),
    "pegasus": ("PegasusConfig", "PegasusForConditionalGeneration", BART),
    "m2m_100": ("M2M100Config", "M2M100ForConditionalGeneration", BART),
    "whisper": ("WhisperConfig", "WhisperForConditionalGeneration", WHISPER),
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2ForCTC", SPEECH),
    "hubert": ("HubertConfig", "HubertModel", SPEECH),
    "vit": ("ViTConfig", "ViTForImageClassification", PICTURES),
    "deit": ("DeiTConfig", "DeiTModel", PICTURES),
    "beit": ("BeitConfig", "BeitForImageClassification", PICTURES),
    "dinov2": ("Dinov2Config", "Dinov2Model", PICTURES),
    "swin": (
        "SwinConfig",
        "SwinForImageClassification",
        {
            "image_size": 32,
            "patch_size": 4,
            "embed_dim": 12,
            "depths": [1, 2, 1],
            "num_heads": [2, 2, 2],
            "window_size": 4,
        },
    ),
    "convnext": (
        "ConvNextConfig",
        "ConvNextForImageClassification",
        {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 3, 1]},
    ),
    "clip": (
        "CLIPConfig",
        "CLIPModel",
        {"text_config": CLIP_TEXT, "vision_config": VISION, "projection_dim": 20},
    ),
    "siglip": ("SiglipConfig", "SiglipModel", {"text_config": CLIP_TEXT, "vision_config": VISION}),
    "llava": (
        "LlavaConfig",
        "LlavaForConditionalGeneration",
        {"text_config": LLAVA_TEXT, "vision_config": CLIP_VISION, "image_token_index": 130},
    ),
    "gemma3 vision": (
        "Gemma3Config",
        "Gemma3ForConditionalGeneration",
        {
            "text_config": dict(HEADED),
            "vision_config": dict(VISION),
            "mm_tokens_per_image": 4,
            "image_token_index": 130,
        },
    ),
    "qwen2_vl": (
        "Qwen2VLConfig",
        "Qwen2VLForConditionalGeneration",
        {
            "text_config": {
                **GROUPED,
                "rope_scaling": {"type": "default", "mrope_section": [2, 2, 2]},
            },
            "vision_config": {
                "depth": 2,
                "embed_dim": 32,
                "hidden_size": 48,
                "num_heads": 4,
                "patch_size": 4,
            },
        },
    ),
    "bert to bert": (
        "EncoderDecoderConfig",
        "EncoderDecoderModel",
        {
            "encoder": {**COMMON, "model_type": "bert"},
            "decoder": {
                **COMMON,
                "model_type": "bert",
                "num_hidden_layers": 2,
                "is_decoder": True,
                "add_cross_attention": True,
            },
        },
    ),
}
"""By name, the classes of configuration and model, and what the configuration is given."""

Write = Callable[[Path], Path]


def saved(
    name: str, *, shards: bool = False, pickled: bool = False, dtype: str = "float32", seed: int = 0
) -> Callable[[Path], Path]:
    """Writes a model by `save_pretrained`; gives what loaders open: one file, or the index."""

    def write(folder: Path) -> Path:
        config_name, model_name, given = MODELS[name]
        torch.manual_seed(seed)
        config = getattr(transformers, config_name)(**given)
        model = getattr(transformers, model_name)(config).to(getattr(torch, dtype))
        size = "40KB" if shards else "5GB"
        model.save_pretrained(folder, max_shard_size=size)
        if pickled:
            return as_pickle(folder)
        index = folder / "model.safetensors.index.json"
        return index if index.exists() else folder / "model.safetensors"

    return write


def as_pickle(folder: Path) -> Path:
    """The file that versions of transformers before 5 wrote in place of safetensors."""
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder / "pytorch_model.bin"


def reworded(
    path: Path, change: Callable[[dict[str, Any]], None], file: str = "config.json"
) -> Path:
    """Changes a document beside a model."""
    document = json.loads((path.parent / file).read_text()) if (path.parent / file).exists() else {}
    change(document)
    (path.parent / file).write_text(json.dumps(document))
    return path
