"""Networks of library classes: edges of what the library computes, and hostile configurations."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from truth.claims import claimed_edges
from truth.comparing import judge
from truth.matching import matches
from truth.oracle import measure
from truth.sources import write
from truth.stored import arrays
from truth.zoo import ZOO, built

from modlint.builder import Built, Stated
from modlint.engine.load import load_whole
from modlint.verdict import Confidence
from modlint_plugins.networks.architectures import ArchitectureBuilder
from modlint_plugins.networks.architectures.settings import RefusedSettings, bounded
from modlint_plugins.readers import modlint_readers

MAMBA = {
    "model_type": "mamba",
    "architectures": ["MambaForCausalLM"],
    "vocab_size": 31,
    "hidden_size": 6,
    "num_hidden_layers": 1,
    "state_size": 3,
    "time_step_rank": 2,
}


def asked(config: dict[str, Any], folder: Path) -> Built | None:
    save_file({"backbone.embeddings.weight": torch.ones(31, 6)}, folder / "model.safetensors")
    checkpoint = load_whole(folder / "model.safetensors", modlint_readers())
    return ArchitectureBuilder().build(checkpoint, Stated(config=config))


@pytest.mark.parametrize("name", ["mamba"])
def test_edges_are_those_of_the_model(name: str, tmp_path: Path) -> None:
    module, inputs = built(ZOO[f"transformers_{name}"])
    path = write("config", module, inputs, tmp_path)
    weights = {n: v.numpy() for n, v in module.state_dict().items() if v.ndim > 1}

    truth = measure(module, inputs)

    judgement = judge(truth, claimed_edges(path), matches(arrays(path), weights, truth))
    assert judgement.kind == "exact", (judgement.wrong, judgement.missing)
    assert judgement.placed == truth.counted


def test_a_file_that_holds_a_part_of_the_model_is_not_of_high_confidence(tmp_path: Path) -> None:
    found = asked(MAMBA, tmp_path)
    assert found is not None
    assert {network.confidence for network in found.networks} <= {Confidence.MEDIUM}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"num_hidden_layers": 1_000_000}, "num_hidden_layers"),
        ({"hidden_size": 10**12}, "hidden_size"),
        ({"state_size": [[[[[[[[3]]]]]]]]}, "more than a model needs"),
        ({"hidden_size": "six"}, "could not be exported"),
        ({"model_type": "no_such_model"}, "could not be exported"),
        ({"architectures": ["os.system"]}, None),
    ],
    ids=str,
)
def test_a_hostile_configuration_ends_in_a_reason(
    change: dict[str, Any], reason: str | None, tmp_path: Path
) -> None:
    started = time.monotonic()
    found = asked({**MAMBA, **change}, tmp_path)
    assert time.monotonic() - started < 150  # the limits of the process, not a measure of speed
    if reason is not None:
        assert found is not None
        assert reason in str(found.networks[0].reason)


def test_what_chooses_code_or_files_is_not_handed_on() -> None:
    config = {
        "auto_map": {"AutoModel": "modeling_x.X"},
        "_attn_implementation_internal": "somebody/kernels",
        "quantization_config": {"quant_method": "x"},
        "_name_or_path": "/etc",
        "text_config": {"attn_implementation": "x", "hidden_size": 8, "auto_map": {}},
        "conv_kernel": [3, 2],
        "attention_dropout": 0.1,
        "rope_theta": 1e30,
    }
    assert bounded(config) == {
        "text_config": {"hidden_size": 8},
        "conv_kernel": [3, 2],
        "attention_dropout": 0.1,
        "rope_theta": 1e30,
    }
    with pytest.raises(RefusedSettings, match="more than a model needs"):
        bounded({"values": list(range(20_000))})


def test_no_code_beside_the_file_is_imported(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    for name in ("modeling_x.py", "transformers.py", "torch.py", "sitecustomize.py"):
        (tmp_path / name).write_text(f"open({str(marker)!r}, 'w')")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        asked({**MAMBA, "auto_map": {"AutoModelForCausalLM": "modeling_x.X"}}, tmp_path)
    assert not marker.exists()


def test_what_names_tell_and_what_the_user_states_is_left_to_them(tmp_path: Path) -> None:
    assert asked({**MAMBA, "model_type": "llama"}, tmp_path) is None
    assert asked({}, tmp_path) is None
    assert asked({"model_type": 3}, tmp_path) is None
