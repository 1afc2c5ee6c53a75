"""FMT008 over architectures: healthy models are silent, and what is planted in them is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome
from tiny_models.faults import (
    EMBEDDING,
    HEAD,
    LAYERS,
    SIZES,
    every,
    other_size,
    shorter_vocabulary,
    states,
    tensors_of,
    without_head,
)
from tiny_models.tiny_transformers import MODELS, reworded, saved

REGISTRY = load_registry()
RULE = "config-mismatch"
Healthy = Callable[[str], Path]

WITHOUT_EFFECT = {
    "size num_attention_heads": "jamba albert bert deberta deit electra falcon gpt_neo gpt_neox"
    " hubert modernbert phi roberta siglip vit wav2vec2 beit clip dinov2 opt",
    "size n_head": "bloom gpt2 gptj",
    "size num_heads": "gpt_neo qwen2_vl",
    "size intermediate_size": "albert dinov2 falcon gpt_oss jamba mamba qwen3_moe rwkv",
    "size num_key_value_heads": "deepseek_v3 jamba",
    "size head_dim": "deepseek_v3",
    "size hidden_size": "albert swin",
    "vocab_size": "marian",
    "head": "wav2vec2",
    "layers": "albert convnext deepseek_v3",
}
"""By fault, the models whose tensors do not tell of it: the number of heads splits a width that
stays; sizes that an architecture does not use; one layer past the last of a model that predicts."""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    """Writes each model once."""
    written: dict[str, Path] = {}

    def write(name: str) -> Path:
        if name not in written:
            written[name] = saved(name)(tmp_path_factory.mktemp("healthy"))
        return written[name]

    return write


def outcomes(path: Path) -> list[tuple[str, str]]:
    found = verdicts(path, REGISTRY, RULE)
    return [(v.severity, v.message) for v in found if v.outcome is Outcome.FAIL]


def faults(path: Path) -> dict[str, tuple[str, Callable[[Path], Path]]]:
    """By fault, its severity and what plants it in a copy of the model."""
    config = json.loads((path.parent / "config.json").read_text())
    tensors = tensors_of(path)
    found: dict[str, tuple[str, Callable[[Path], Path]]] = {}
    if any(EMBEDDING.search(name) and t.shape[0] == 131 for name, t in tensors.items()):
        found["rows"] = "error", shorter_vocabulary
        found["vocab_size"] = "error", stating("vocab_size", lambda rows: rows + 13)
        found["id"] = "error", lambda p: reworded(p, lambda c: c.update(eos_token_id=140))
        found["id of generation"] = (
            "error",
            lambda p: reworded(
                p, lambda c: c.update(pad_token_id=131), file="generation_config.json"
            ),
        )
    if any(HEAD.search(name) for name in tensors):
        found["head"] = "error", without_head
    for key in SIZES:
        if states(config, key):
            found[f"size {key}"] = "error", lambda p, key=key: other_size(p, key)
    if any(states(config, key) for key in LAYERS):
        found["layers"] = "warning", fewer_layers
    found["type"] = "warning", lambda p: reworded(p, lambda c: c.update(dtype="bfloat16"))
    return found


def stating(key: str, change: Callable[[int], int]) -> Callable[[Path], Path]:
    return lambda path: reworded(path, lambda config: every(config, key, change))


def fewer_layers(path: Path) -> Path:
    for key in LAYERS:
        path = stating(key, lambda number: number - 1)(path)
    return path


@pytest.mark.parametrize("form", ["whole", "shards", "bfloat16 in a pickle"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_as_it_was_saved_is_silent(name: str, form: str, tmp_path: Path) -> None:
    pickled = form == "bfloat16 in a pickle"
    path = saved(
        name,
        shards=form == "shards",
        pickled=pickled,
        dtype="bfloat16" if pickled else "float32",
        seed=len(name),
    )(tmp_path)
    (verdict,) = verdicts(path, REGISTRY, RULE)
    assert verdict.outcome is Outcome.PASS, verdict
    assert verdict.values["compared"] >= 1


@pytest.mark.parametrize("name", MODELS)
def test_every_fault_that_its_tensors_tell_of_is_found(
    name: str, healthy: Healthy, tmp_path: Path
) -> None:
    path = healthy(name)
    planted = 0
    for fault, (severity, plant) in faults(path).items():
        if name.split()[0] in WITHOUT_EFFECT.get(fault, "").split():
            continue
        copy = shutil.copytree(path.parent, tmp_path / fault.replace(" ", "_"))
        found = outcomes(plant(copy / path.name))
        assert severity in {said for said, _ in found}, (fault, found)
        planted += 1
    assert planted >= 1
