"""FMT008 on positions, patches, labels and experts: models as saved, and with other statements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Severity

REGISTRY = load_registry()
pytestmark = pytest.mark.filterwarnings("ignore")

IDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
TEXT = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 40, **IDS}  # fmt: skip
IMAGE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
         "num_attention_heads": 2, "image_size": 16, "patch_size": 4}  # fmt: skip
HALVES = {"vocab_size": 64, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
          "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 64,
          "decoder_ffn_dim": 64, "decoder_start_token_id": 1, **IDS}  # fmt: skip
SPEECH = {**HALVES, "num_mel_bins": 8, "max_source_positions": 20, "max_target_positions": 16}
EXPERTS = {**TEXT, "num_key_value_heads": 2}
FOUR = {"id2label": {str(i): f"class {i}" for i in range(4)}}
THREE = {"num_labels": 3}

Row = tuple[str, str, dict[str, Any], dict[str, Any]]
ROWS: tuple[Row, ...] = (
    ("GPT2", "LMHeadModel", {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 2,
                             "n_positions": 40, **IDS}, {"n_positions": 80}),
    ("Bert", "ForMaskedLM", TEXT, {"max_position_embeddings": 512}),
    ("Roberta", "ForMaskedLM", TEXT, {"max_position_embeddings": 514}),
    ("Electra", "Model", TEXT, {"max_position_embeddings": 512}),
    ("OPT", "ForCausalLM", {**TEXT, "ffn_dim": 64, "word_embed_proj_dim": 32},
     {"max_position_embeddings": 42}),
    ("Bart", "ForConditionalGeneration", {**HALVES, "max_position_embeddings": 40},
     {"max_position_embeddings": 42}),
    ("Whisper", "ForConditionalGeneration", SPEECH, {"num_mel_bins": 80}),
    ("Whisper", "ForConditionalGeneration", SPEECH, {"max_target_positions": 448}),
    ("ViT", "Model", IMAGE, {"patch_size": 8}),
    ("DeiT", "Model", IMAGE, {"patch_size": 8}),
    ("Beit", "Model", IMAGE, {"patch_size": 8}),
    ("Dinov2", "Model", IMAGE, {"patch_size": 8}),
    ("CLIPText", "Model", TEXT, {"max_position_embeddings": 77}),
    ("CLIPVision", "Model", IMAGE, {"patch_size": 8}),
    ("Mixtral", "ForCausalLM", {**EXPERTS, "num_local_experts": 4}, {"num_local_experts": 8}),
    ("Qwen2Moe", "ForCausalLM", {**EXPERTS, "num_experts": 4, "moe_intermediate_size": 16,
                                 "shared_expert_intermediate_size": 16}, {"num_experts": 8}),
    ("Bert", "ForSequenceClassification", {**TEXT, **THREE}, FOUR),
    ("Roberta", "ForSequenceClassification", {**TEXT, **THREE}, FOUR),
    ("Bert", "ForTokenClassification", {**TEXT, "num_labels": 9}, FOUR),
    ("Llama", "ForSequenceClassification", {**TEXT, **THREE}, FOUR),
    ("ViT", "ForImageClassification", {**IMAGE, **THREE}, FOUR),
    ("Bart", "ForSequenceClassification",
     {**HALVES, "max_position_embeddings": 40, **THREE}, FOUR),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}{row[1]} {next(iter(row[3]))}")
def test_statements_that_tensors_do_not_bear_out(row: Row, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    name, head, settings, changed = row
    config = getattr(transformers, f"{name}Config")(**settings)
    getattr(transformers, f"{name}{head}")(config).save_pretrained(tmp_path)
    path, stated = tmp_path / "model.safetensors", tmp_path / "config.json"
    assert [v.outcome for v in verdicts(path, REGISTRY, "config-mismatch")] == [Outcome.PASS]
    stated.write_text(json.dumps(json.loads(stated.read_text()) | changed))
    found = [(v.outcome, v.severity) for v in verdicts(path, REGISTRY, "config-mismatch")]
    assert found == [(Outcome.FAIL, Severity.ERROR)]


def test_the_type_of_a_model_beside_a_variant_is_not_compared(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = transformers.BertModel(transformers.BertConfig(**TEXT))
    model.save_pretrained(tmp_path)
    model.half().save_pretrained(tmp_path, variant="fp16")
    for name in ("model.safetensors", "model.fp16.safetensors"):
        found = [v.outcome for v in verdicts(tmp_path / name, REGISTRY, "config-mismatch")]
        assert found == [Outcome.PASS]
