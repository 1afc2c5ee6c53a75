"""Architectures of transformers, from small configurations (no weight is loaded).

Widths differ where the library lets them: vocabulary 31, width 12, inner width 20, 2 layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from truth.zoo.architecture import Architecture, Inputs

WIDTH = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2}
_TEXT = {**WIDTH, "vocab_size": 31, "intermediate_size": 20, "max_position_embeddings": 16}
_GPT = {"vocab_size": 31, "n_embd": 12, "n_layer": 2, "n_head": 2, "n_positions": 16}
_GROUPED = {**_TEXT, "hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2}
_COMMON = {"use_cache": False, "pad_token_id": 0}
_BART = {"vocab_size": 31, "d_model": 12, "encoder_layers": 1, "decoder_layers": 1}
_BART |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 20}
_BART |= {"decoder_ffn_dim": 18, "max_position_embeddings": 16}
_IMAGE = {**WIDTH, "intermediate_size": 20, "image_size": 8, "patch_size": 4}
_SPEECH = {"conv_dim": [6, 8], "conv_stride": [2, 2], "conv_kernel": [3, 2], "vocab_size": 7}
_SPEECH |= {
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}


def _model(head: str, config: str, given: dict[str, Any]) -> nn.Module:
    import transformers

    settings = getattr(transformers, config)(**{**_COMMON, **given})
    settings._attn_implementation = "eager"
    model = getattr(transformers, head)(settings)
    model.config._experts_implementation = "batched_mm"
    assert isinstance(model, nn.Module)
    return model


def _ids(length: int = 5) -> torch.Tensor:
    return torch.randint(2, 31, (2, length))


def _text() -> Inputs:
    return (_ids(),)


def _pair() -> Inputs:
    return _ids(), torch.ones(2, 5, dtype=torch.long), _ids(4)


def _picture(size: int = 8) -> Any:
    return lambda: (torch.randn(2, 3, size, size),)


def _both() -> Inputs:
    return _ids(), torch.randn(2, 3, 8, 8)


def _of(
    name: str, model: str, config: str, given: dict[str, Any], inputs: Any = _text
) -> Architecture:
    return Architecture(
        f"transformers_{name}", lambda: _model(model, config, given), inputs, "transformers"
    )


_CLIP = {
    "text_config": {**_TEXT, "eos_token_id": 30, "pad_token_id": 0},
    "vision_config": {**_IMAGE, "hidden_size": 14},
    "projection_dim": 9,
}
_SEGFORMER = {
    "num_encoder_blocks": 2,
    "depths": [1, 1],
    "sr_ratios": [2, 1],
    "hidden_sizes": [6, 8],
    "patch_sizes": [3, 3],
}
_SEGFORMER |= {
    "strides": [2, 2],
    "num_attention_heads": [1, 2],
    "mlp_ratios": [2, 2],
    "decoder_hidden_size": 10,
    "num_labels": 5,
}
_WHISPER = {
    **_BART,
    "num_mel_bins": 4,
    "max_source_positions": 5,
    "max_target_positions": 16,
    "decoder_start_token_id": 1,
}
_SWIN = {
    "image_size": 16,
    "patch_size": 2,
    "embed_dim": 6,
    "depths": [2, 1],
    "num_heads": [1, 2],
    "window_size": 4,
    "num_labels": 5,
}
_T5 = {
    "vocab_size": 31,
    "d_model": 12,
    "d_kv": 5,
    "d_ff": 20,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "num_heads": 2,
}
_XLNET = {"vocab_size": 31, "d_model": 12, "n_layer": 1, "n_head": 2, "d_inner": 20}
_CONVNEXT = {
    "num_stages": 2,
    "hidden_sizes": [6, 8],
    "depths": [1, 1],
    "patch_size": 2,
    "num_labels": 5,
}
_RESNET = {"embedding_size": 6, "hidden_sizes": [8, 12], "depths": [1, 2], "num_labels": 5}
_MOE = {**_GROUPED, "num_local_experts": 3, "num_experts_per_tok": 2}
_BLOOM = {"vocab_size": 31, "hidden_size": 12, "n_layer": 2, "n_head": 2}

LIBRARY = (
    _of("bert", "BertForSequenceClassification", "BertConfig", _TEXT),
    _of("bert_masked", "BertForMaskedLM", "BertConfig", _TEXT),
    _of(
        "distilbert",
        "DistilBertForSequenceClassification",
        "DistilBertConfig",
        {
            "vocab_size": 31,
            "dim": 12,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 20,
            "max_position_embeddings": 16,
        },
    ),
    _of("roberta", "RobertaForMaskedLM", "RobertaConfig", _TEXT),
    _of("albert", "AlbertForMaskedLM", "AlbertConfig", {**_TEXT, "embedding_size": 7}),
    _of(
        "electra", "ElectraForTokenClassification", "ElectraConfig", {**_TEXT, "embedding_size": 7}
    ),
    _of(
        "deberta_v2",
        "DebertaV2ForSequenceClassification",
        "DebertaV2Config",
        {
            **_TEXT,
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_buckets": 8,
        },
    ),
    _of("mpnet", "MPNetModel", "MPNetConfig", _TEXT),
    _of("gpt2", "GPT2LMHeadModel", "GPT2Config", _GPT),
    _of(
        "gpt_neo",
        "GPTNeoForCausalLM",
        "GPTNeoConfig",
        {
            "vocab_size": 31,
            "hidden_size": 12,
            "num_layers": 2,
            "num_heads": 2,
            "attention_types": [[["global", "local"], 1]],
            "max_position_embeddings": 16,
            "window_size": 4,
        },
    ),
    _of("gptj", "GPTJForCausalLM", "GPTJConfig", {**_GPT, "rotary_dim": 4}),
    _of("gpt_neox", "GPTNeoXForCausalLM", "GPTNeoXConfig", {**_TEXT, "hidden_size": 16}),
    _of(
        "opt",
        "OPTForCausalLM",
        "OPTConfig",
        {
            **WIDTH,
            "vocab_size": 31,
            "ffn_dim": 20,
            "max_position_embeddings": 16,
            "word_embed_proj_dim": 12,
        },
    ),
    _of("bloom", "BloomForCausalLM", "BloomConfig", _BLOOM),
    _of("llama", "LlamaForCausalLM", "LlamaConfig", _GROUPED),
    _of("mistral", "MistralForCausalLM", "MistralConfig", _GROUPED),
    _of("qwen2", "Qwen2ForCausalLM", "Qwen2Config", _GROUPED),
    _of("qwen3", "Qwen3ForCausalLM", "Qwen3Config", {**_GROUPED, "head_dim": 6}),
    _of("gemma", "GemmaForCausalLM", "GemmaConfig", {**_GROUPED, "head_dim": 6}),
    _of("gemma2", "Gemma2ForCausalLM", "Gemma2Config", {**_GROUPED, "head_dim": 6}),
    _of("phi", "PhiForCausalLM", "PhiConfig", {**_GROUPED, "num_key_value_heads": 4}),
    _of("phi3", "Phi3ForCausalLM", "Phi3Config", _GROUPED),
    _of("mixtral", "MixtralForCausalLM", "MixtralConfig", _MOE),
    _of(
        "falcon",
        "FalconForCausalLM",
        "FalconConfig",
        {**WIDTH, "vocab_size": 31, "hidden_size": 16, "new_decoder_architecture": False},
    ),
    _of("cohere", "CohereForCausalLM", "CohereConfig", _GROUPED),
    _of("xlnet", "XLNetLMHeadModel", "XLNetConfig", _XLNET),
    _of("t5", "T5ForConditionalGeneration", "T5Config", _T5, _pair),
    _of("bart", "BartForConditionalGeneration", "BartConfig", _BART, _pair),
    _of(
        "whisper",
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        _WHISPER,
        lambda: (torch.randn(2, 4, 10), torch.ones(2, 10), _ids(4)),
    ),
    _of(
        "wav2vec2",
        "Wav2Vec2ForCTC",
        "Wav2Vec2Config",
        {**_TEXT, **_SPEECH},
        lambda: (torch.randn(2, 40),),
    ),
    _of(
        "hubert",
        "HubertForCTC",
        "HubertConfig",
        {**_TEXT, **_SPEECH},
        lambda: (torch.randn(2, 40),),
    ),
    _of("clip", "CLIPModel", "CLIPConfig", _CLIP, _both),
    _of("vit", "ViTForImageClassification", "ViTConfig", _IMAGE, _picture()),
    _of("dinov2", "Dinov2ForImageClassification", "Dinov2Config", _IMAGE, _picture()),
    _of(
        "beit",
        "BeitForImageClassification",
        "BeitConfig",
        {**_IMAGE, "use_relative_position_bias": True},
        _picture(),
    ),
    _of("swin", "SwinForImageClassification", "SwinConfig", _SWIN, _picture(16)),
    _of(
        "segformer", "SegformerForSemanticSegmentation", "SegformerConfig", _SEGFORMER, _picture(16)
    ),
    _of("convnext", "ConvNextForImageClassification", "ConvNextConfig", _CONVNEXT, _picture(16)),
    _of("resnet", "ResNetForImageClassification", "ResNetConfig", _RESNET, _picture(32)),
    _of(
        "mamba",
        "MambaForCausalLM",
        "MambaConfig",
        {
            "vocab_size": 31,
            "hidden_size": 6,
            "num_hidden_layers": 1,
            "state_size": 3,
            "time_step_rank": 2,
        },
        lambda: (_ids(3),),
    ),
    _of(
        "rwkv",
        "RwkvForCausalLM",
        "RwkvConfig",
        {
            "vocab_size": 31,
            "hidden_size": 8,
            "attention_hidden_size": 8,
            "num_hidden_layers": 2,
            "intermediate_size": 12,
            "context_length": 16,
        },
        lambda: (_ids(3),),
    ),
)
