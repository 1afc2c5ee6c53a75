"""Transformer blocks from names and shapes: their graphs are those of torch's own modules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hand_built import HandInputs
from torch import nn

from modlint.checkpoint import Checkpoint, Storage, Tensor
from modlint.dtypes import DTYPES
from modlint.engine.load import build_networks, load
from modlint.network import Network
from modlint.numerics.graph.units import inspect_units
from modlint.numerics.graph.weights import build_graph
from modlint.verdict import Confidence
from modlint_plugins.networks.names import NamesBuilder
from modlint_plugins.readers import modlint_readers

State = dict[str, torch.Tensor]
D, HIDDEN, HEADS = 12, 20, 12


class Conv1D(nn.Module):
    """GPT-2's linear layer: x @ W + b, W of shape (in, out)."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(into, out))
        self.bias = nn.Parameter(torch.randn(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight + self.bias


class RMSNorm(nn.Module):
    """LLaMA's: a factor for each unit and no shift."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(size) + 0.5)


class LayerScale(nn.Module):
    """timm's: a factor for each unit."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(size) + 0.5)


def layer_norm(size: int = D) -> nn.LayerNorm:
    norm = nn.LayerNorm(size)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    return norm


def projections(*names: str) -> dict[str, nn.Module]:
    return {name: nn.Linear(D, D) for name in names}


def mlp(up: str, down: str) -> dict[str, nn.Module]:
    return {up: nn.Linear(D, HIDDEN), down: nn.Linear(HIDDEN, D)}


def norms(*names: str) -> dict[str, nn.Module]:
    return {name: layer_norm() for name in names}


def gated(names: tuple[str, str, str], attention: tuple[str, ...]) -> dict[str, nn.Module]:
    gate, up, down = names
    block: dict[str, nn.Module] = {name: nn.Linear(D, D, bias=False) for name in attention}
    block |= {name: nn.Linear(D, HIDDEN, bias=False) for name in (gate, up)}
    return {**block, down: nn.Linear(HIDDEN, D, bias=False)}


def bert() -> dict[str, nn.Module]:
    parts = projections(
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
    )
    parts |= mlp("intermediate.dense", "output.dense")
    return parts | norms("attention.output.LayerNorm", "output.LayerNorm")


def distilbert() -> dict[str, nn.Module]:
    parts = projections(*(f"attention.{p}_lin" for p in ("q", "k", "v", "out")))
    return parts | mlp("ffn.lin1", "ffn.lin2") | norms("sa_layer_norm", "output_layer_norm")


def vit() -> dict[str, nn.Module]:
    heads = [f"attention.attention.{part}" for part in ("query", "key", "value")]
    parts = projections(*heads, "attention.output.dense")
    parts |= mlp("intermediate.dense", "output.dense")
    return parts | norms("layernorm_before", "layernorm_after")


def clip() -> dict[str, nn.Module]:
    parts = projections(*(f"self_attn.{p}_proj" for p in ("k", "v", "q", "out")))
    return parts | mlp("mlp.fc1", "mlp.fc2") | norms("layer_norm1", "layer_norm2")


def llama() -> dict[str, nn.Module]:
    heads = tuple(f"self_attn.{part}_proj" for part in "qkvo")
    block = gated(("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"), heads)
    block |= {"input_layernorm": RMSNorm(D), "post_attention_layernorm": RMSNorm(D)}
    return block


def meta_llama() -> dict[str, nn.Module]:
    heads = tuple(f"attention.w{part}" for part in "qkvo")
    block = gated(("feed_forward.w1", "feed_forward.w3", "feed_forward.w2"), heads)
    return {**block, "attention_norm": RMSNorm(D), "ffn_norm": RMSNorm(D)}


def gpt2() -> dict[str, nn.Module]:
    block: dict[str, nn.Module] = {
        "attn.c_attn": Conv1D(D, 3 * D),
        "attn.c_proj": Conv1D(D, D),
        "mlp.c_fc": Conv1D(D, D),  # square: only c_attn tells its direction
        "mlp.c_proj": Conv1D(D, D),
    }
    return block | norms("ln_1", "ln_2")


def nano_gpt() -> dict[str, nn.Module]:
    block: dict[str, nn.Module] = {
        "attn.c_attn": nn.Linear(D, 3 * D),
        "attn.c_proj": nn.Linear(D, D),
        "mlp.c_fc": nn.Linear(D, D),
        "mlp.c_proj": nn.Linear(D, D),
    }
    return block | norms("ln_1", "ln_2")


def timm_vit() -> dict[str, nn.Module]:
    block: dict[str, nn.Module] = {"attn.qkv": nn.Linear(D, 3 * D), "attn.proj": nn.Linear(D, D)}
    block |= mlp("mlp.fc1", "mlp.fc2") | norms("norm1", "norm2")
    return {**block, "ls1": LayerScale(D), "ls2": LayerScale(D)}


def torch_encoder() -> dict[str, nn.Module]:
    layer = nn.TransformerEncoderLayer(D, 2, HIDDEN)
    block = dict(layer.named_children())
    return block | norms("norm1", "norm2")


@dataclass(frozen=True)
class Case:
    """A family: its modules, what stands in front of the first block, and the expected edges.

    Attributes:
        block: the modules of a block by name.
        path: of the list of blocks.
        edges: by layer the norm in front of it, which may be another block's or the embedding's.
        fused: attention is stored as one tensor.
        scale: the factor behind the layer that drives the stream.
    """

    block: dict[str, nn.Module]
    path: str
    edges: Mapping[str, str | None]
    fused: bool = False
    scale: str | None = None


def heads(names: str, norm: str, out: str) -> dict[str, str | None]:
    return {**dict.fromkeys(names.split(), norm), out: None}


CASES = {
    "BERT": Case(
        bert(),
        "bert.encoder.layer",
        {
            **heads(
                "attention.self.query attention.self.key attention.self.value",
                "before",
                "attention.output.dense",
            ),
            "intermediate.dense": "attention.output.LayerNorm",
            "output.dense": None,
        },
    ),
    "DistilBERT": Case(
        distilbert(),
        "transformer.layer",
        {
            **heads(
                "attention.q_lin attention.k_lin attention.v_lin", "before", "attention.out_lin"
            ),
            "ffn.lin1": "sa_layer_norm",
            "ffn.lin2": None,
        },
    ),
    "ViT": Case(
        vit(),
        "vit.encoder.layer",
        {
            **heads(
                "attention.attention.query attention.attention.key attention.attention.value",
                "layernorm_before",
                "attention.output.dense",
            ),
            "intermediate.dense": "layernorm_after",
            "output.dense": None,
        },
    ),
    "CLIP": Case(
        clip(),
        "vision_model.encoder.layers",
        {
            **heads(
                "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
                "layer_norm1",
                "self_attn.out_proj",
            ),
            "mlp.fc1": "layer_norm2",
            "mlp.fc2": None,
        },
    ),
    "LLaMA": Case(
        llama(),
        "model.layers",
        {
            **heads(
                "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
                "input_layernorm",
                "self_attn.o_proj",
            ),
            "mlp.gate_proj": "post_attention_layernorm",
            "mlp.up_proj": "post_attention_layernorm",
            "mlp.down_proj": None,
        },
    ),
    "Meta's LLaMA": Case(
        meta_llama(),
        "layers",
        {
            **heads("attention.wq attention.wk attention.wv", "attention_norm", "attention.wo"),
            "feed_forward.w1": "ffn_norm",
            "feed_forward.w3": "ffn_norm",
            "feed_forward.w2": None,
        },
    ),
    "GPT-2": Case(gpt2(), "h", {"mlp.c_fc": "ln_2", "mlp.c_proj": None}, fused=True),
    "GPT-2, not transposed": Case(
        nano_gpt(), "transformer.h", {"mlp.c_fc": "ln_2", "mlp.c_proj": None}, fused=True
    ),
    "timm's ViT": Case(
        timm_vit(), "blocks", {"mlp.fc1": "norm2", "mlp.fc2": None}, fused=True, scale="ls2"
    ),
    "torch.nn.TransformerEncoderLayer": Case(
        torch_encoder(), "encoder.layers", {"linear1": "norm1", "linear2": None}, fused=True
    ),
}


def state_of(modules: Mapping[str, nn.Module], path: str = "") -> State:
    prefix = f"{path}." if path else ""
    return {
        f"{prefix}{name}.{key}": value
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }


def build(state: State) -> tuple[Network, ...]:
    def never() -> memoryview:
        raise AssertionError("the builder reads no values")

    tensors = {
        key: Tensor(
            name=key,
            dtype=DTYPES[str(value.dtype).removeprefix("torch.")],
            shape=tuple(value.shape),
            strides=value.stride(),
            storage=Storage(key, value.nbytes, never),
        )
        for key, value in state.items()
    }
    networks = NamesBuilder().build(Checkpoint(Path("m.pt"), "torch-zip", 0, tensors=tensors))
    assert networks is not None
    return tuple(networks)


def in_front(case: Case) -> dict[str, nn.Module]:
    """The embedding's norm, where blocks are normalised behind their additions."""
    root = case.path.rpartition(".")[0].rpartition(".")[0]
    return {f"{root}.embeddings.LayerNorm".lstrip("."): layer_norm()}


def model(case: Case) -> dict[str, nn.Module]:
    """A block as the first and as the eleventh of a list, and the tenth's closing norm."""
    blocks = {f"{case.path}.{i}.{k}": m for i in (0, 10) for k, m in case.block.items()}
    closing = [k for k in case.block if k in ("output.LayerNorm", "output_layer_norm")]
    return {**blocks, **{f"{case.path}.9.{k}": layer_norm() for k in closing}, **in_front(case)}


def norm_module(case: Case, modules: Mapping[str, nn.Module], place: int, norm: str) -> nn.Module:
    if norm != "before":
        return case.block[norm]
    if place == 0:
        return next(iter(in_front_of(modules)))
    return next(m for name, m in modules.items() if name.startswith(f"{case.path}.9."))


def in_front_of(modules: Mapping[str, nn.Module]) -> list[nn.Module]:
    return [m for name, m in modules.items() if name.endswith("embeddings.LayerNorm")]


def jacobian(module: nn.Module, scale: torch.Tensor) -> torch.Tensor:
    """What each input, times its factor, adds to each output: (in, out)."""
    with torch.no_grad():
        zero = torch.zeros(1, len(scale))
        return (module(torch.diag(scale)) - module(zero)).abs()


@pytest.mark.parametrize("place", [0, 10])
@pytest.mark.parametrize("name", CASES)
def test_edges_are_those_of_the_modules(name: str, place: int) -> None:
    case = CASES[name]
    modules = model(case)
    state = state_of(modules)
    network = next(n for n in build(state) if n.id == f"{case.path}.{place}")

    blocks = build_graph(network, HandInputs(network, state), "l1").blocks

    prefix = f"{case.path}.{place}."
    assert [block.layer.removeprefix(prefix) for block in blocks] == list(case.edges)
    for block, (layer, norm) in zip(blocks, case.edges.items(), strict=True):
        found = norm_module(case, modules, place, norm) if norm else None
        factors = found.weight.detach() if found else torch.ones(len(block.weights))
        expected = jacobian(case.block[layer], factors)
        if case.scale and block.target == "stream":
            expected = expected * case.block[case.scale].gamma.detach()
        torch.testing.assert_close(block.weights, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_structure(name: str) -> None:
    case = CASES[name]
    first, second, *rest = build(state_of(model(case)))

    assert [first.id, second.id] == [f"{case.path}.0", f"{case.path}.10"]
    assert first.source == "names"
    assert first.confidence is Confidence.MEDIUM
    stream, *hidden = first.groups
    assert (stream.name, stream.size, stream.role, stream.exposed) == ("stream", D, "input", True)
    units = case.block[list(case.edges)[-1]].weight.numel() // D
    assert [group.size for group in hidden] == ([] if case.fused else [HEADS, HEADS]) + [units]
    assert all(group.role == "hidden" for group in hidden)
    assert first.layers[-1].target == "stream"
    left_out = [remark for remark in first.remarks if "attention is left out" in remark]
    assert len(left_out) == case.fused
    assert [bool(network.reason) for network in rest] == [True] * case.fused


def test_query_and_key_meet_in_one_group_and_values_feed_the_output() -> None:
    network, *_ = build(state_of(CASES["LLaMA"].block, "layers.3"))
    layers = {layer.weight.split(".")[-2]: layer for layer in network.layers}

    assert layers["q_proj"].target == layers["k_proj"].target != layers["v_proj"].target
    assert network.group(layers["q_proj"].target).exposed
    assert layers["o_proj"].source == layers["v_proj"].target
    assert layers["gate_proj"].target == layers["up_proj"].target == layers["down_proj"].source
    assert layers["gate_proj"].inputs == (layers["o_proj"].name,)
    assert layers["down_proj"].inputs == (layers["gate_proj"].name, layers["up_proj"].name)


def test_activations_are_claimed_only_where_there_is_none() -> None:
    (network,) = build(state_of(CASES["LLaMA"].block, "layers.0"))

    layers = network.with_activation("relu").layers

    followed = [layer.name for layer in layers if layer.activation != "identity"]
    assert followed == ["layers.0.mlp.gate_proj"]


def test_a_closing_norm_scales_no_edge_of_its_own_block() -> None:
    case = CASES["BERT"]
    (first, last) = build(state_of(model(case)))

    assert [norm.scale for norm in first.final_norms] == [f"{case.path}.0.output.LayerNorm.weight"]
    assert f"{case.path}.9.output.LayerNorm.weight" in last.tensors


def test_norms_of_queries_and_keys_scale_no_edge() -> None:
    block = CASES["LLaMA"].block | {f"self_attn.{p}_norm": RMSNorm(D // 2) for p in "qk"}

    (network,) = build(state_of(block, "layers.0"))

    scales = [norm.scale for norm in network.final_norms]
    assert scales == [f"layers.0.self_attn.{p}_norm.weight" for p in "qk"]


def test_a_zero_stream_dimension_is_not_called_dead_but_a_hidden_unit_is() -> None:
    state = state_of(CASES["CLIP"].block, "layers.0")
    state = {key: value.clone() for key, value in state.items()}
    for out in ("self_attn.out_proj", "mlp.fc2"):
        state[f"layers.0.{out}.weight"][3] = 0
    state["layers.0.mlp.fc1.weight"][5] = 0
    (network,) = build(state)

    units = inspect_units(network, HandInputs(network, state))

    found = {layer.group.removeprefix("layers.0."): layer for layer in units}
    assert list(found) == ["self_attn.q_proj", "self_attn.v_proj", "mlp.fc1"]
    assert found["mlp.fc1"].constant == (5,)
    assert not any(layer.silent for layer in units)
    assert not found["self_attn.q_proj"].constant


def test_heads_that_share_keys_leave_the_mlp() -> None:
    shared = {f"self_attn.{p}_proj": nn.Linear(D, D // 3, bias=False) for p in "kv"}

    network, rest = build(state_of(CASES["LLaMA"].block | shared, "layers.0"))

    assert [group.size for group in network.groups] == [D, HIDDEN]
    assert "its attention is left out: its heads share keys and values" in network.remarks
    assert rest.reason is not None
    assert "layers.0.self_attn.q_proj.weight" in rest.reason


@pytest.mark.parametrize("place", [0, 4])
def test_attention_whose_norm_is_in_another_file_is_left_out(place: int) -> None:
    network, _ = build(state_of(CASES["BERT"].block, f"encoder.layer.{place}"))

    assert [group.size for group in network.groups] == [D, HIDDEN]
    assert "its attention is left out: the file lacks the norm in front of it" in network.remarks


def test_a_bare_encoder_layer_of_torch() -> None:
    network, rest = build(nn.TransformerEncoderLayer(D, 2, HIDDEN).state_dict())

    assert [network.id, rest.id] == ["0", "0#2"]
    assert network.connections == 2 * D * HIDDEN
    assert any("norm_first" in remark for remark in network.remarks)


def test_what_no_block_holds_is_said() -> None:
    case = CASES["ViT"]
    head = {"classifier": nn.Linear(D, 5), "vit.layernorm": layer_norm()}

    *networks, rest = build(state_of(case.block, f"{case.path}.0") | state_of(head))

    assert [network.reason for network in networks] == [None]
    assert rest.reason is not None
    assert rest.reason.startswith(
        "the networks of 1 transformer block leave out classifier.weight; of such a model"
    )


def test_blocks_of_one_list_come_by_number_whatever_the_order_of_names() -> None:
    blocks = {f"layers.{i}": CASES["CLIP"].block for i in (0, 10, 2)}
    state = {k: v for path, block in blocks.items() for k, v in state_of(block, path).items()}

    assert [network.id for network in build(state)] == ["layers.0", "layers.2", "layers.10"]


def decoder() -> State:
    return nn.TransformerDecoderLayer(D, 2, HIDDEN).state_dict()


def llama_with(**modules: nn.Module) -> State:
    extra = {name.replace("__", "."): module for name, module in modules.items()}
    return state_of(CASES["LLaMA"].block | extra, "layers.0")


def llama_in(dtype: torch.dtype) -> State:
    return {key: value.to(dtype) for key, value in llama_with().items()}


UNKNOWN = {
    "cross-attention": decoder(),
    "another norm": llama_with(pre_feedforward_layernorm=RMSNorm(D)),
    "an adapter": llama_with(mlp__up_proj__lora_A=nn.Linear(D, 2)),
    "experts": llama_with(mlp__gate=nn.Linear(D, 4)),
    "up and gate of two sizes": llama_with(mlp__up_proj=nn.Linear(D, HIDDEN + 1)),
    "an output that does not fit": llama_with(self_attn__o_proj=nn.Linear(D + 2, D)),
    "norms of another size": llama_with(input_layernorm=RMSNorm(D + 1)),
    "a norm of the MLP of another size": llama_with(post_attention_layernorm=RMSNorm(D + 1)),
    "keys that queries do not share": llama_with(
        self_attn__k_proj=nn.Linear(D, 5), self_attn__v_proj=nn.Linear(D, 5)
    ),
    "a part in another file": {k: v for k, v in llama_with().items() if "o_proj" not in k},
    "whole numbers": llama_in(torch.int8),
    "queries, keys and values of no equal size": {
        **state_of(CASES["timm's ViT"].block, "blocks.0"),
        "blocks.0.attn.qkv.weight": torch.ones(3 * D + 1, D),
    },
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_block_that_is_not_known_beyond_doubt_keeps_its_reason(name: str) -> None:
    (network,) = build(UNKNOWN[name])

    assert network.reason is not None
    assert re.match("the network has attention|weights are quantised|.* adapters", network.reason)


SHARED = {
    "pytorch__executorch/demo_rand_params.pth": ([f"layers.{i}" for i in range(5)], 49_408),
    "pytorch__torchtune/tiny_fair_checkpoint.pt": (["layers.0", "layers.1"], 28_672),
    "sqtian__GPT_by_Hand/ckpt.pt": (["transformer.h.0", "transformer.h.1"], 2_048),
}


@pytest.mark.parametrize("name", SHARED)
def test_real_files(shared: Path, name: str) -> None:
    (checkpoint,) = load(shared / "models" / name, modlint_readers())

    *networks, rest = build_networks(checkpoint, [NamesBuilder()], [])

    ids, connections = SHARED[name]
    assert [network.id for network in networks] == ids
    assert {network.connections for network in networks} == {connections}
    assert rest.reason is not None
