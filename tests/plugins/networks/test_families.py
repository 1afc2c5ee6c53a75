"""Models that are known by their tensors' names: their edges are those that were measured."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from network_views import edges, networks_of, views
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torch import nn
from truth.claims import claimed_edges
from truth.comparing import judge
from truth.matching import matches
from truth.oracle import measure
from truth.sources import write
from truth.stored import arrays
from truth.zoo import ZOO, built

from modlint.builder import Stated
from modlint.checkpoint import Checkpoint
from modlint.engine.load import load_whole
from modlint.network import Join, Network
from modlint.verdict import Confidence
from modlint_plugins.networks.names import NamesBuilder
from modlint_plugins.networks.names.families.match import FAMILIES
from modlint_plugins.readers import modlint_readers

MEASURED = ("albert", "t5", "dinov2")
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


@pytest.mark.parametrize("name", MEASURED)
def test_edges_are_those_of_the_model(name: str, tmp_path: Path) -> None:
    module, inputs = built(ZOO[f"transformers_{name}"])
    path = write("config", module, inputs, tmp_path)
    weights = {n: v.numpy() for n, v in module.state_dict().items() if v.ndim > 1}

    truth = measure(module, inputs)

    judgement = judge(truth, claimed_edges(path), matches(arrays(path), weights, truth))
    assert judgement.kind == "exact", (judgement.wrong, judgement.missing)
    assert judgement.placed == truth.counted


def llama_state(layers: int = 2) -> dict[str, torch.Tensor]:
    sizes = {"q": (16, 16), "k": (8, 16), "v": (8, 16), "o": (16, 16)}
    state = {"model.embed_tokens.weight": torch.randn(11, 16), "model.norm.weight": torch.ones(16)}
    for n in range(layers):
        at = f"model.layers.{n}."
        state |= {f"{at}self_attn.{p}_proj.weight": torch.randn(s) for p, s in sizes.items()}
        state |= {f"{at}mlp.{p}_proj.weight": torch.randn(20, 16) for p in ("gate", "up")}
        state[f"{at}mlp.down_proj.weight"] = torch.randn(16, 20)
        norms = ("input_layernorm", "post_attention_layernorm")
        state |= {f"{at}{norm}.weight": torch.ones(16) for norm in norms}
    return state


def checkpoint(state: dict[str, torch.Tensor], folder: Path) -> Checkpoint:
    save_file(state, folder / "model.safetensors")
    return load_whole(folder / "model.safetensors", modlint_readers())


def network(state: dict[str, torch.Tensor], folder: Path, config: object = LLAMA) -> Network:
    builder, stated = NamesBuilder(), Stated(config=config)  # type: ignore[arg-type]
    found = builder.build(checkpoint(state, folder), stated)
    assert found is not None
    (one,) = found.networks
    return one


def test_a_tied_table_of_embeddings_is_the_head_too(tmp_path: Path) -> None:
    calls = [call for call in network(llama_state(), tmp_path).calls if "embed" in call.weight]
    assert [call.kind for call in calls] == ["embedding", "linear"]
    untied = {**LLAMA, "tie_word_embeddings": False}
    calls = list(network(llama_state(), tmp_path, untied).calls)
    assert [call.kind for call in calls].count("embedding") == 1
    assert calls[-1].weight == "model.layers.1.mlp.down_proj.weight"


def test_heads_share_keys_and_rotary_positions_turn_pairs(tmp_path: Path) -> None:
    built = network(llama_state(1), tmp_path)
    (meeting,) = (op for op in built.operations if isinstance(op, Join) and op.kind == "meeting")
    assert meeting.heads == 4
    queries = built.value("model.layers.0.self_attn.q_proj")
    assert built.group(queries.group).heads == 2  # those of the keys
    values = edges(built)[
        "model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.o_proj.weight"
    ]
    assert values == {
        (head // 2 * 4 + unit, head * 4 + unit) for head in range(4) for unit in range(4)
    }


@pytest.mark.parametrize(
    ("config", "confidence"), [(LLAMA, Confidence.HIGH), ({}, Confidence.MEDIUM)]
)
def test_confidence_is_high_where_config_json_names_the_model(
    config: dict[str, object], confidence: Confidence, tmp_path: Path
) -> None:
    assert network(llama_state(), tmp_path, config).confidence is confidence


def test_without_the_number_of_heads_attention_that_shares_keys_is_left_out(tmp_path: Path) -> None:
    built = NamesBuilder().build(checkpoint(llama_state(), tmp_path))
    assert built is not None
    placed = {call.weight for n in built.networks for call in n.calls}
    left_out = {u.tensor: u.reason for u in built.unplaced}
    assert set(left_out) == {f"model.layers.{n}.self_attn.o_proj.weight" for n in range(2)}
    assert all("share keys and values" in reason for reason in left_out.values())
    assert "model.layers.1.mlp.down_proj.weight" in placed


def test_a_model_that_is_not_known_is_not_taken_for_another(tmp_path: Path) -> None:
    other = network(llama_state(), tmp_path, {**LLAMA, "model_type": "my_llama"})
    assert other.reason is not None


def test_a_block_with_a_weight_of_no_family_is_none(tmp_path: Path) -> None:
    state = llama_state() | {"model.layers.1.mlp.extra.weight": torch.randn(16, 16)}
    assert network(state, tmp_path).reason is not None


def test_a_layer_of_torch_alone_reads_a_stream_from_outside(tmp_path: Path) -> None:
    layer = network(nn.TransformerEncoderLayer(12, 3, 20).state_dict(), tmp_path, {})
    assert layer.value("stream").is_input
    found = edges(layer)
    assert found["linear1.weight", "linear2.weight"] == {(unit, unit) for unit in range(20)}
    values = found["self_attn.in_proj_weight", "self_attn.out_proj.weight"]
    assert values == {(24 + unit, unit) for unit in range(12)}


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "llama", "num_attention_heads": 10**30},
        {"model_type": "llama", "num_attention_heads": True, "num_key_value_heads": -1},
        {"model_type": "llama", "num_attention_heads": 4, "head_dim": 0},
        {"model_type": "llama", "num_attention_heads": "4", "architectures": {"a": 1}},
        {"model_type": ["llama"], "num_attention_heads": 4},
        {"model_type": "albert", "num_hidden_layers": 10**9},
    ],
    ids=str,
)
def test_a_config_of_any_content_ends_in_a_network_or_a_reason(
    config: dict[str, object], tmp_path: Path
) -> None:
    built = NamesBuilder().build(checkpoint(llama_state(), tmp_path), Stated(config=config))
    assert built is not None
    assert json.dumps([n.reason for n in built.networks])


def test_families_have_names_of_their_own() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names)) >= 30


def test_recurrent_layers_and_directions_are_chained(tmp_path: Path) -> None:
    module = nn.LSTM(5, 4, num_layers=2, bidirectional=True)
    save_file(module.state_dict(), tmp_path / "model.safetensors")
    (lstm,) = networks_of(
        NamesBuilder(), load_whole(tmp_path / "model.safetensors", modlint_readers())
    )
    found = edges(lstm)
    both = {"weight_ih_l0": 0, "weight_ih_l0_reverse": 4}
    for producer, start in both.items():
        assert found[producer, "weight_ih_l1"] == {(unit, start + unit) for unit in range(4)}
    assert found["weight_hh_l0", "weight_hh_l0"] == {(unit, unit) for unit in range(4)}
    assert {call.delay for call in lstm.calls if "hh" in call.weight} == {1}


def test_factors_of_an_adapter_are_layers_with_a_narrow_middle(tmp_path: Path) -> None:
    at = "base_model.model.layers.0.q_proj"
    state = {
        f"{at}.lora_A.weight": torch.randn(2, 8),
        f"{at}.lora_B.weight": torch.zeros(6, 2),
    }
    (adapter,) = networks_of(NamesBuilder(), checkpoint(state, tmp_path))
    down, up = views(adapter)
    assert (down.weight, up.weight) == tuple(state)
    assert up.inputs == (down.name,)
    assert [group.size for group in adapter.groups] == [8, 2, 6]
    assert adapter.group(down.name).exposed


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (("input -> a", "a -> b", "a, b -> c"), {("a", "b"), ("a", "c"), ("b", "c")}),
        (("input -> a", "input -> b", "a, b -> c"), {("a", "c"), ("b", "c")}),
    ],
)
def test_edges_that_the_user_states(
    stated: tuple[str, ...], found: set[tuple[str, str]], tmp_path: Path
) -> None:
    parts = {"a": (8, 8), "b": (8, 8), "c": (4, 16)}
    state = {f"{name}.weight": torch.randn(shape) for name, shape in parts.items()}
    built = NamesBuilder().build(checkpoint(state, tmp_path), Stated(edges=stated))
    assert built is not None
    assert {(a[0], b[0]) for a, b in edges(*built.networks)} == found
    assert built.networks[0].confidence is Confidence.HIGH


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("a", 'is not written "a -> b"'),
        ("x -> a", "reads 'x', which no edge before it makes"),
        ("input -> missing", "missing.weight is missing"),
        ("input + a, b -> c", "is not written"),
    ],
)
def test_edges_that_contradict_the_file(stated: str, reason: str, tmp_path: Path) -> None:
    state = {"a.weight": torch.randn(8, 8)}
    built = NamesBuilder().build(checkpoint(state, tmp_path), Stated(edges=(stated,)))
    assert built is not None
    assert built.networks[0].reason is not None
    assert reason in built.networks[0].reason


def adapted(name: str, targets: list[str], **options: object) -> tuple[nn.Module, Any]:
    module, inputs = built(ZOO[f"transformers_{name}"])
    config = LoraConfig(target_modules=targets, r=3, init_lora_weights=False, **options)
    with warnings.catch_warnings():  # what PEFT asks of transformers is deprecated there
        warnings.simplefilter("ignore")
        return get_peft_model(module, config), inputs


def placed_factors(path: Path) -> list[str]:
    networks = networks_of(NamesBuilder(), load_whole(path, modlint_readers()))
    return [c.weight for network in networks for c in network.calls if ".lora_" in c.weight]


@pytest.mark.parametrize(
    ("name", "targets", "kind"),
    [
        ("bert", ["query", "value", "dense"], "exact"),
        ("gpt2", ["c_attn", "c_fc"], "partial"),  # whether the head is tied is not told
        ("llama", ["q_proj", "v_proj", "down_proj"], "partial"),  # of keys shared by how many heads
    ],
)
def test_factors_beside_their_base_read_what_it_reads(
    name: str, targets: list[str], kind: str, tmp_path: Path
) -> None:
    module, inputs = adapted(name, targets)
    path = write("safetensors", module, inputs, tmp_path)
    weights = {n: v.numpy() for n, v in module.state_dict().items() if v.ndim > 1}

    truth = measure(module, inputs)

    judgement = judge(truth, claimed_edges(path), matches(arrays(path), weights, truth))
    assert judgement.kind == kind, (judgement.wrong, judgement.missing)
    assert not judgement.wrong
    assert len(placed_factors(path)) == len([n for n in weights if ".lora_" in n])


def test_factors_that_may_be_off_or_are_scaled_stand_in_no_network(tmp_path: Path) -> None:
    several, inputs = adapted("bert", ["query"])
    several.add_adapter("second", LoraConfig(target_modules=["query"], r=2))
    assert not placed_factors(write("safetensors", several, inputs, tmp_path))
    scaled, inputs = adapted("bert", ["query"], use_dora=True)
    assert not placed_factors(write("safetensors", scaled, inputs, tmp_path))
