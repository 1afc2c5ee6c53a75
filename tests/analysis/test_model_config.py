"""A configuration is read whatever the types of its values."""

from __future__ import annotations

from typing import Any

import pytest

from modlint.analysis.model_config import config_of


def read(**document: Any) -> Any:
    return config_of({"model_type": "llama", **document})


def test_of_which_library_a_configuration_is() -> None:
    assert config_of({"architectures": ["BertModel"]}) is not None
    assert config_of({"architecture": "resnet18", "num_classes": 10}) is None
    assert config_of({"_class_name": "UNet2DConditionModel", "model_type": "unet"}) is None
    assert config_of({"in_features": 8, "out_features": 4}) is None
    assert config_of({}) is None


def test_sections_lie_behind_the_document_with_their_paths() -> None:
    text = {"vocab_size": 5, "rope_config": {"a": 1}}
    config = read(vocab_size=9, text_config=text, decoder={"vocab_size": 7}, other={"b": 1})
    assert [section.path for section in config.sections] == [
        (),
        ("text_config",),
        ("text_config", "rope_config"),
        ("decoder",),
    ]
    found = [(s.called(key), size) for s, key, size in config.sized("vocab_size")]
    assert found == [("vocab_size", 9), ("text_config.vocab_size", 5), ("decoder.vocab_size", 7)]


@pytest.mark.parametrize("key", ["quantization_config", "quantization", "compression_config"])
def test_what_says_that_weights_are_codes(key: str) -> None:
    assert read(**{key: {"bits": 4}}).quantised
    assert read(text_config={key: {"bits": 4}}).quantised
    assert not read(**{key: None}).quantised


def test_code_beside_the_file_makes_it_custom() -> None:
    assert read(auto_map={"AutoModel": "modeling_x.X"}).custom
    assert not read(auto_map=None).custom


@pytest.mark.parametrize("value", [None, True, 0, -1, 2.0, "8", [8], {"a": 8}, 1 << 60, 1e400])
def test_what_is_no_size(value: object) -> None:
    assert read(hidden_size=value).root.size("hidden_size") is None


def test_the_first_key_that_states_a_size() -> None:
    assert read(a=None, b=3, c=4).root.size("a", "b", "c") == 3


@pytest.mark.parametrize("value", [1, "true", None, []])
def test_what_is_no_truth_value(value: object) -> None:
    assert read(tie_word_embeddings=value).root.flag("tie_word_embeddings") is None


@pytest.mark.parametrize(
    "document",
    [
        {"architectures": "Llama"},
        {"architectures": [1, None, {}]},
        {"model_type": 3, "architectures": ["A"]},
        {"model_type": "x", "text_config": [1]},
        {"model_type": "x", "text_config": None, "decoder": 7},
    ],
)
def test_values_of_other_types_do_not_disturb(document: dict[str, Any]) -> None:
    config = config_of(document)
    assert config is None or len(config.sections) == 1


def test_depth_and_number_of_sections_are_bounded() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a_config": deep}
    assert len(read(**deep).sections) == 5
    assert len(read(**{f"x{i}_config": {} for i in range(5000)}).sections) == 64
