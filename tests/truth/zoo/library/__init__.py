"""Architectures of transformers, from small configurations (no weight is loaded).

Widths differ where the library lets them: vocabulary 31, width 12, inner width 20, 2 layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from truth.zoo.architecture import Architecture, Inputs
from truth.zoo.library.configurations import (
    BART,
    BLOOM,
    CLIP,
    COMMON,
    CONVNEXT,
    GPT,
    GROUPED,
    IMAGE,
    MOE,
    RESNET,
    SEGFORMER,
    SPEECH,
    SWIN,
    T5,
    TEXT,
    WHISPER,
    WIDTH,
    XLNET,
)


def _model(head: str, config: str, given: dict[str, Any]) -> nn.Module:
    import transformers

    settings = getattr(transformers, config)(**{**COMMON, **given})
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


LIBRARY = (
    _of("bert", "BertForSequenceClassification", "BertConfig", TEXT),
    _of("bert_masked", "BertForMaskedLM", "BertConfig", TEXT),
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
    _of("roberta", "RobertaForMaskedLM", "RobertaConfig", TEXT),
    _of("albert", "AlbertForMaskedLM", "AlbertConfig", {**TEXT, "embedding_size": 7}),
    _of("electra", "ElectraForTokenClassification", "ElectraConfig", {**TEXT, "embedding_size": 7}),
    _of(
        "deberta_v2",
        "DebertaV2ForSequenceClassification",
        "DebertaV2Config",
        {
            **TEXT,
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_buckets": 8,
        },
    ),
    _of("mpnet", "MPNetModel", "MPNetConfig", TEXT),
    _of("gpt2", "GPT2LMHeadModel", "GPT2Config", GPT),
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
    _of("gptj", "GPTJForCausalLM", "GPTJConfig", {**GPT, "rotary_dim": 4}),
    _of("gpt_neox", "GPTNeoXForCausalLM", "GPTNeoXConfig", {**TEXT, "hidden_size": 16}),
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
    _of("bloom", "BloomForCausalLM", "BloomConfig", BLOOM),
    _of("llama", "LlamaForCausalLM", "LlamaConfig", GROUPED),
    _of("mistral", "MistralForCausalLM", "MistralConfig", GROUPED),
    _of("qwen2", "Qwen2ForCausalLM", "Qwen2Config", GROUPED),
    _of("qwen3", "Qwen3ForCausalLM", "Qwen3Config", {**GROUPED, "head_dim": 6}),
    _of("gemma", "GemmaForCausalLM", "GemmaConfig", {**GROUPED, "head_dim": 6}),
    _of("gemma2", "Gemma2ForCausalLM", "Gemma2Config", {**GROUPED, "head_dim": 6}),
    _of("phi", "PhiForCausalLM", "PhiConfig", {**GROUPED, "num_key_value_heads": 4}),
    _of("phi3", "Phi3ForCausalLM", "Phi3Config", GROUPED),
    _of("mixtral", "MixtralForCausalLM", "MixtralConfig", MOE),
    _of(
        "falcon",
        "FalconForCausalLM",
        "FalconConfig",
        {**WIDTH, "vocab_size": 31, "hidden_size": 16, "new_decoder_architecture": False},
    ),
    _of("cohere", "CohereForCausalLM", "CohereConfig", GROUPED),
    _of("xlnet", "XLNetLMHeadModel", "XLNetConfig", XLNET),
    _of("t5", "T5ForConditionalGeneration", "T5Config", T5, _pair),
    _of("bart", "BartForConditionalGeneration", "BartConfig", BART, _pair),
    _of(
        "whisper",
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        WHISPER,
        lambda: (torch.randn(2, 4, 10), torch.ones(2, 10), _ids(4)),
    ),
    _of(
        "wav2vec2",
        "Wav2Vec2ForCTC",
        "Wav2Vec2Config",
        {**TEXT, **SPEECH},
        lambda: (torch.randn(2, 40),),
    ),
    _of(
        "hubert",
        "HubertForCTC",
        "HubertConfig",
        {**TEXT, **SPEECH},
        lambda: (torch.randn(2, 40),),
    ),
    _of("clip", "CLIPModel", "CLIPConfig", CLIP, _both),
    _of("vit", "ViTForImageClassification", "ViTConfig", IMAGE, _picture()),
    _of("dinov2", "Dinov2ForImageClassification", "Dinov2Config", IMAGE, _picture()),
    _of(
        "beit",
        "BeitForImageClassification",
        "BeitConfig",
        {**IMAGE, "use_relative_position_bias": True},
        _picture(),
    ),
    _of("swin", "SwinForImageClassification", "SwinConfig", SWIN, _picture(16)),
    _of(
        "segformer", "SegformerForSemanticSegmentation", "SegformerConfig", SEGFORMER, _picture(16)
    ),
    _of("convnext", "ConvNextForImageClassification", "ConvNextConfig", CONVNEXT, _picture(16)),
    _of("resnet", "ResNetForImageClassification", "ResNetConfig", RESNET, _picture(32)),
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
