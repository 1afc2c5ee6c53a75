"""Twenty networks as their initialisers leave them, each saved as its library saves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from safetensors.torch import save_file
from torch import nn

_SMALL = {"vocab_size": 500, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_WIDE = {**_SMALL, "intermediate_size": 128}


def _llama(config: Callable[..., Any], model: Callable[[Any], Any], **more: Any) -> Any:
    return model(config(**_WIDE, num_key_value_heads=2, **more))


PRETRAINED: dict[str, Callable[[], Any]] = {
    "bert": lambda: hf.BertModel(hf.BertConfig(**_WIDE)),
    "roberta": lambda: hf.RobertaForMaskedLM(hf.RobertaConfig(**_WIDE)),
    "gpt2": lambda: hf.GPT2LMHeadModel(
        hf.GPT2Config(vocab_size=500, n_embd=64, n_layer=2, n_head=4)
    ),
    "llama": lambda: _llama(hf.LlamaConfig, hf.LlamaForCausalLM),
    "qwen2": lambda: _llama(hf.Qwen2Config, hf.Qwen2ForCausalLM, tie_word_embeddings=True),
    "mixtral": lambda: _llama(hf.MixtralConfig, hf.MixtralForCausalLM, num_local_experts=4),
    "t5": lambda: hf.T5ForConditionalGeneration(
        hf.T5Config(vocab_size=500, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4)
    ),
    "bart": lambda: hf.BartForConditionalGeneration(
        hf.BartConfig(
            vocab_size=500,
            encoder_layers=2,
            encoder_ffn_dim=128,
            encoder_attention_heads=4,
            decoder_layers=2,
            decoder_ffn_dim=128,
            decoder_attention_heads=4,
            d_model=64,
        )
    ),
    "vit": lambda: hf.ViTModel(
        hf.ViTConfig(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            image_size=32,
            patch_size=8,
        )
    ),
    "whisper": lambda: hf.WhisperForConditionalGeneration(
        hf.WhisperConfig(
            vocab_size=500,
            d_model=64,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=128,
            decoder_ffn_dim=128,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
            suppress_tokens=None,
            begin_suppress_tokens=None,
        )
    ),
    "mamba": lambda: hf.MambaForCausalLM(
        hf.MambaConfig(vocab_size=500, hidden_size=64, num_hidden_layers=2)
    ),
    "distilbert": lambda: hf.DistilBertModel(
        hf.DistilBertConfig(vocab_size=500, dim=64, hidden_dim=128, n_layers=2, n_heads=4)
    ),
}
"""Written by `save_pretrained`, with what it writes beside the weights."""


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)


MODULES: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)),
    "resnet": lambda: nn.Sequential(nn.Conv2d(3, 32, 7), _Residual(32), _Residual(32)),
    "lstm": lambda: nn.LSTM(32, 64, 2, bidirectional=True),
    "gru": lambda: nn.GRU(32, 64),
    "transformer": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128), 2),
    "vgg": lambda: nn.Sequential(*(nn.Conv2d(a, b, 3) for a, b in ((3, 32), (32, 64), (64, 64)))),
    "embedding": lambda: nn.ModuleDict(
        {"table": nn.Embedding(300, 64, padding_idx=0), "head": nn.Linear(64, 300)}
    ),
    "depthwise": lambda: nn.Sequential(
        nn.Conv2d(32, 32, 3, groups=32), nn.BatchNorm2d(32), nn.Conv2d(32, 64, 1)
    ),
}
"""Written by `torch.save`, or by safetensors."""


def write(folder: Path) -> list[Path]:
    """Write all of them; what is to be checked of each."""
    written = []
    for number, (name, make) in enumerate(PRETRAINED.items()):
        torch.manual_seed(number)
        model = make()
        model.save_pretrained(folder / name)
        written.append(folder / name)
    for number, (name, module) in enumerate(MODULES.items()):
        torch.manual_seed(number)
        state = module().state_dict()
        path = folder / f"{name}.{'pt' if number % 2 else 'safetensors'}"
        torch.save(state, path) if number % 2 else save_file(state, path, {"format": "pt"})
        written.append(path)
    return written
