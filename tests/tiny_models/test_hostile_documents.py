"""Documents beside a model may hold anything: the rules that read them answer, and never raise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_cases import verdicts

from modlint.engine.registry import load_registry

REGISTRY = load_registry()
RULES = ("config-mismatch", "missing-layers")
KEYS = [
    "model_type",
    "architectures",
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "tie_word_embeddings",
    "torch_dtype",
    "dtype",
    "eos_token_id",
    "bos_token_id",
    "text_config",
    "encoder",
    "auto_map",
    "quantization_config",
    "pruned_heads",
    "num_nextn_predict_layers",
    "emb_width",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.integers(0, 12)
    | st.floats()
    | st.sampled_from(["llama", "LlamaForCausalLM", "bfloat16", "<a>", ""])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
CONFIGS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=12).map(
    lambda values: {"model_type": "llama", "architectures": ["LlamaForCausalLM"]} | values
)
TOKENS = st.dictionaries(
    st.sampled_from(["added_tokens", "model", "added_tokens_decoder", "pad_token", "vocab", "<a>"])
    | st.sampled_from(["additional_special_tokens", "7", "eos_token", "eos_token_id"]),
    VALUES | st.lists(st.dictionaries(st.sampled_from(["id", "content"]), VALUES), max_size=3),
    max_size=6,
)
OTHERS = ["tokenizer", "tokenizer_config", "special_tokens_map", "added_tokens"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    layer = {"self_attn.q_proj": (8, 8), "self_attn.k_proj": (4, 8), "mlp.up_proj": (12, 8)}
    layer |= {"mlp.down_proj": (8, 12), "input_layernorm": (8,), "post_layernorm": (8,)}
    state = {
        f"model.layers.{i}.{name}.weight": torch.ones(shape)
        for i in range(3)
        for name, shape in layer.items()
    }
    state |= {"model.embed_tokens.weight": torch.ones(9, 8), "lm_head.weight": torch.ones(9, 8)}
    torch.save(state, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(config=CONFIGS, others=st.lists(TOKENS, min_size=4, max_size=4), generation=TOKENS)
def test_no_document_stops_a_rule(
    config: dict[str, Any], others: list[dict[str, Any]], generation: dict[str, Any], model: Path
) -> None:
    documents = dict(zip(OTHERS, others, strict=True), config=config, generation_config=generation)
    for name, document in documents.items():
        (model.parent / f"{name}.json").write_text(json.dumps(document))
    for rule in RULES:
        found = verdicts(model, REGISTRY, rule)
        assert found
        assert all(len(verdict.message) < 2000 for verdict in found)


def test_an_absurd_number_of_layers_is_told_in_one_line(model: Path) -> None:
    config = {"model_type": "llama", "num_hidden_layers": 10**9}
    (model.parent / "config.json").write_text(json.dumps(config))
    (verdict,) = verdicts(model, REGISTRY, "missing-layers")
    assert len(verdict.message) < 300
