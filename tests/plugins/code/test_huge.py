"""Configurations, tokenizers and templates that ask for more than a machine has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modlint_plugins.code import examine

KIND = "absurd-size"
UNET = {"_class_name": "UNet2DModel", "block_out_channels": [320, 640, 1280], "layers_per_block": 2}
LORA = {"peft_type": "LORA", "r": 256, "lora_alpha": 512}
DENSE = {"in_features": 4096, "out_features": 16384}
KERAS = {"class_name": "Dense", "config": {"name": "d", "units": 4096}}
DDPM = {"_class_name": "DDPMScheduler", "num_train_timesteps": 1000}
WHISPER = {"feature_extractor_type": "WhisperFeatureExtractor", "n_fft": 400, "feature_size": 80}
TIMM = {"architecture": "vit", "model_args": {"embed_dim": 6144, "depth": 48}}
CLIP = {"model_cfg": {"vision_cfg": {"width": 1664, "layers": 48}}}
BERT = {"model_type": "bert", "num_labels": 3_000_000, "max_position_embeddings": 512}
LETTER = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
SPACE = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
LEVELS = {"type": "ByteLevel"}
FORM = {"type": "NFKC"}
IDEOGRAPHS = {"type": "BertNormalizer", "handle_chinese_chars": True}
CHARSMAP = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}
ANY = {"type": "Replace", "pattern": {"Regex": "[a]"}, "content": "aa"}
GPT2 = {"model_type": "gpt2", "n_positions": 32768}
SWIN = {"model_type": "swinv2", "window_size": 24, "image_size": 384, "patch_size": 4}
MISTRAL = {"model_type": "mistral", "window_size": 4096, "max_position_embeddings": 1_000_000}
VBLORA = {"peft_type": "VBLORA", "num_vectors": 256, "vector_length": 256}
WORDS = {"type": "BPE", "vocab": {"a": 0}, "merges": []}


def kinds(value: object, name: str = "config.json") -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value)
    return [remark.kind for remark in examine(memoryview(text.encode()), name, ())]


@pytest.mark.parametrize(
    "healthy",
    [
        *(UNET, LORA, DENSE, KERAS, DDPM, WHISPER, TIMM, CLIP, BERT),
        *(GPT2, SWIN, MISTRAL, VBLORA, LORA | {"rank_pattern": {"q": 64, "k": "x"}}),
    ],
)
def test_sizes_of_published_networks_are_silent(healthy: dict[str, Any]) -> None:
    assert kinds(healthy) == []


@pytest.mark.parametrize(
    "hostile",
    [
        UNET | {"layers_per_block": 10**8},
        UNET | {"block_out_channels": [10**8, 32]},
        {"model_type": "swin", "depths": [10**8, 2]},
        LORA | {"r": 2_000_000},
        DENSE | {"in_features": 2_000_000},
        KERAS | {"config": {"units": 2 * 10**9}},
        DDPM | {"num_train_timesteps": 2 * 10**9},
        WHISPER | {"n_fft": 2 * 10**8},
        {"architecture": "vit", "model_args": {"embed_dim": 30_000, "depth": 1000}},
        {"model_cfg": {"vision_cfg": {"width": 1_000_000, "layers": 1}}},
        BERT | {"num_labels": 10**9},
        BERT | {"max_position_embeddings": 10**9},
        BERT | {"num_labels": "9" * 30},
        GPT2 | {"n_positions": 400_000},
        {"model_type": "gpt_neo", "max_position_embeddings": 400_000},
        SWIN | {"window_size": 400},
        SWIN | {"image_size": [10**6, 10**6]},
        {"model_type": "t5", "relative_attention_num_buckets": 2 * 10**9},
        {"model_type": "wav2vec2", "num_conv_pos_embeddings": 10**9},
        LORA | {"rank_pattern": {"q": 10**9}},
        LORA | {"init_r": 10**9},
        VBLORA | {"num_vectors": 10**9},
    ],
)
def test_sizes_that_exhaust_memory_are_told(hostile: dict[str, Any]) -> None:
    assert kinds(hostile) == [KIND]


def tokenizer(**parts: object) -> dict[str, object]:
    return {"normalizer": None, "padding": None, "model": WORDS} | parts


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"normalizer": {"type": "Sequence", "normalizers": [SPACE] * 50}},
        {"normalizer": {"type": "Sequence", "normalizers": [LETTER] * 4}},
        {"decoder": {"type": "Replace", "pattern": {"Regex": "x"}, "content": "yy"}},
        {"normalizer": {"normalizers": [FORM, SPACE, IDEOGRAPHS, CHARSMAP, LEVELS, LEVELS]}},
        {"padding": {"strategy": {"Fixed": 8192}, "pad_to_multiple_of": 8}},
        {"post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}]}},
        {
            "normalizer": ["x", 1],
            "decoder": 7,
            "padding": {"strategy": ["x"]},
            "post_processor": "",
        },
    ],
)
def test_tokenizers_as_they_are_written_are_silent(parts: dict[str, object]) -> None:
    assert kinds(tokenizer(**parts), "tokenizer.json") == []


@pytest.mark.parametrize(
    "parts",
    [
        {"normalizer": {"type": "Sequence", "normalizers": [LETTER] * 34}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"normalizers": [LETTER] * 20}] * 2}},
        {"pre_tokenizer": LETTER | {"content": "a" * 100_000}},
        {"normalizer": {"normalizers": [ANY] * 26}},
        {"normalizer": {"normalizers": [ANY, LETTER] * 8}},
        {"normalizer": {"normalizers": [LETTER | {"pattern": {"Regex": "a"}}] * 26}},
        {
            "normalizer": {
                "normalizers": [LETTER | {"pattern": {"String": "b" * 10_001}}] + [LETTER] * 34
            }
        },
        {"normalizer": {"normalizers": [LEVELS] * 34}},
        {"normalizer": {"normalizers": [SPACE | {"content": "\ufdfa"}, FORM] * 24}},
        {"normalizer": {"normalizers": [SPACE | {"content": "\u4e2d"}, IDEOGRAPHS] * 36}},
        {"normalizer": {"normalizers": [CHARSMAP] * 30}},
        {"normalizer": {"type": "Prepend", "prepend": "a" * 3_000_000}},
        {
            "decoder": {
                "decoders": [{"type": "Replace", "pattern": {"Regex": "."}, "content": "ab"}] * 40
            }
        },
        {"padding": {"strategy": {"Fixed": 10**9}}},
        {"padding": {"strategy": "BatchLongest", "pad_to_multiple_of": 10**9}},
        {"post_processor": {"processors": [{"single": [{"Sequence": {}}] * 2}] * 34}},
    ],
)
def test_tokenizers_that_make_a_text_huge_are_told(parts: dict[str, object]) -> None:
    assert kinds(tokenizer(**parts), "tokenizer.json") == [KIND]


def _levels(first: str, line: str, count: int) -> str:
    return first + "".join(line.format(n=n, m=n - 1) for n in range(1, count))


ALIASES = "a{n}: &a{n} [*a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}, *a{m}]\n"
REFERENCES = "a{n}: ${{a{m}}}${{a{m}}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_levels("a0: &a0 [x, x, x]\n", ALIASES, 9), [KIND]),
        (_levels("a0: &a0 [x, x, x]\n", ALIASES, 5), []),
        (_levels("a0: x\n", REFERENCES, 30), [KIND]),
        (_levels("a0: x\n", REFERENCES, 12), []),
        ("a: ${b}\nb: ${a}${a}\nc: ${c}${c}\n", []),
    ],
)
def test_configurations_that_stand_for_huge_ones(text: str, told: list[str]) -> None:
    assert kinds(text, "config.yaml") == told


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 20000000000 }}",
        "{{ 'a' * 0xFFFFFFFF }}",
        "{{ 'a' | center(20_000_000_000) }}",
        "{{ '%99999999999d' % 1 }}",
        "{{ '{:>99999999999}'.format(1) }}",
        "{{ 'a' * 9 ** 99 }}",
    ],
)
def test_templates_that_write_more_than_memory_holds(template: str) -> None:
    assert kinds({"chat_template": template}, "tokenizer_config.json") == ["unexamined-code"]


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m.role ~ ': ' ~ '%-10s' % m.content }}{% endfor %}",
        "{{ '20240726 12:3000000' }}{{ range(1000) | length }}{{ render(**args) }}",
    ],
)
def test_templates_with_numbers_are_silent(template: str) -> None:
    assert kinds({"chat_template": template}, "tokenizer_config.json") == []
