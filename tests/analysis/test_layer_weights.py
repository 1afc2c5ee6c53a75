"""Which tensors are layer weights: by names of many libraries, by what an ONNX graph reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from support import no_progress
from transformers import AutoConfig, AutoModel

from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.weight_names import is_adapter_factor, is_weight_name, place_of, role_of
from modlint.builder import Built
from modlint.engine.examine import FileExamination
from modlint.engine.load import load_whole
from modlint.engine.registry import load_registry
from modlint.live import checkpoint_of

WEIGHTS = """
0.weight | 12.conv.weight | features.0.weight | classifier.6.weight | layer1.0.downsample.0.weight
fc.weight_orig | fc.weight_v | fc.parametrizations.weight.original1 | conv1.weight | bneck.weight
lstm.weight_ih_l0 | lstm.weight_hh_l1_reverse | rnn.weight_ih | memory.weight_hh_l0
bert.encoder.layer.0.attention.self.query.weight | bert.embeddings.word_embeddings.weight
cls.predictions.decoder.weight | transformer.h.0.attn.c_attn.weight | transformer.wte.weight
model.layers.0.self_attn.q_proj.weight | model.embed_tokens.weight | lm_head.weight | shared.weight
model.layers.0.mlp.experts.gate_up_proj | model.layers.0.mlp.gate.weight
encoder.layers.0.self_attn.in_proj_weight | encoder.layers.0.self_attn.relative_k_proj.weight
blocks.0.attn.qkv.weight | patch_embed.proj.weight | stages.0.blocks.0.conv_dw.weight | head.weight
transformer_blocks.0.norm1.linear.weight | norm_out.linear.weight | conv_in.weight
action_mean.weight | value_net.weight | critic.qf0.0.weight | generator.main.0.weight
base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight | unet:3:down | q_proj.lora_b
params.Dense_0.kernel | params.Embed_0.embedding | conditioning_encoder.mel_conv.weight
""".replace("\n", " | ")

OTHERS = """
fc.bias | encoder.layers.0.self_attn.in_proj_bias | bias_ih_l0 | h.0.attn.bias
h.0.attn.masked_bias | embeddings.position_embeddings.weight | token_type_embeddings.weight
wpe.weight | pos_embed | embed_positions.weight | embed_positions.weights | pos_emb
gated_positional_embedding.embedding
block.0.layer.0.SelfAttention.relative_attention_bias.weight | relative_position_bias_table
rel_pos_h | cls_token | register_tokens | query_embed | level_embed | latents | latent_query
rotary_emb.inv_freq | freqs_cis | layers.0.cos_cached | attention.mask | attn_mask | alibi
bn1.running_var | norm1.weight | ln_f.weight | layer_norm.weight | dpgrnn1.intra_ln.weight | gamma
anchors | priors | stft.forward_basis_buffer | stft_conv.weight | mel_scale.fb | spectrogram.weight
mamba.A_log | mixer.D | codebook.embed | codebook.embed_avg | h0 | hidden_state | queue
q_proj.weight_scale | experts.gate_up_proj_scale_inv | w.scales | w.zeros | weight._shift
gate.absmax | layer.weight_integer | obs.min_val | snake1.alpha | global_pointer.eye
blur.weight | 0 | 3.1 | tensor | arr_0
""".replace("\n", " | ")


@pytest.mark.parametrize("name", [name.strip() for name in WEIGHTS.split("|") if name.strip()])
def test_names_of_weights(name: str) -> None:
    assert is_weight_name(name)


@pytest.mark.parametrize("name", [name.strip() for name in OTHERS.split("|") if name.strip()])
def test_names_of_other_tensors(name: str) -> None:
    assert not is_weight_name(name)


LINEAR = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
TABLES = ("position", "token_type", "wpe", "relative_attention_bias", "rel_embeddings")
"""Embeddings by whose names one sees that they are looked up by positions or kinds."""
OWN = {"Conv1D", "MixtralTopKRouter", "MixtralExperts"}
"""Modules of the library's own that multiply."""


@pytest.mark.parametrize(
    "kind", ["bert", "clip", "deberta-v2", "gpt2", "convnext", "mixtral", "swin", "t5", "whisper"]
)
def test_modules_of_transformers_agree(kind: str) -> None:
    """What a module of the library multiplies with is a weight, positions and kinds apart."""
    with torch.device("meta"):
        model = AutoModel.from_config(AutoConfig.for_model(kind, num_hidden_layers=2))
    modules = dict(model.named_modules())
    disagree = [
        name
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
        if tensor.is_floating_point() and tensor.dim() >= 2 and tensor.numel() >= 256
        if is_weight_name(name) != _is_multiplied(modules[name.rpartition(".")[0]], name)
    ]
    assert disagree == []


def _is_multiplied(module: torch.nn.Module, name: str) -> bool:
    if isinstance(module, torch.nn.Embedding):
        return not any(table in name for table in TABLES)
    return isinstance(module, LINEAR) or type(module).__name__ in OWN


def test_roles_and_factors() -> None:
    assert role_of("h.0.fc1.weight") == role_of("h.11.fc2.weight") == "h.*.fc*.weight"
    assert place_of("h.3.fc1.weight") == place_of("h.11.fc1.weight") != place_of("h.3.fc2.weight")
    assert place_of("0.weight") == place_of("12.weight")
    assert place_of("rnn.weight_hh_l0") == place_of("rnn.weight_hh_l2")
    assert place_of("conv2d_3.w_0") != place_of("conv2d_4.w_0")
    assert is_adapter_factor("q_proj.lora_A.weight")
    assert is_adapter_factor("unet:3:down")
    assert not is_adapter_factor("blocks.0.down_proj.weight")


def layer_weights(path: Path, **parameters: Any) -> frozenset[str]:
    checkpoint = load_whole(path, load_registry().readers)
    file = FileExamination(checkpoint, Built(()), "cpu", no_progress, [])
    return file.result(LayerWeights(**parameters), checkpoint)


def graph(
    folder: Path,
    nodes: Sequence[Any],
    given: Sequence[str] = ("x",),
    functions: Any = (),
    **tensors: Any,
) -> Path:
    """A model with nodes and constants; what a layer reads first is called x."""
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in (*given, "y")]
    held = [onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in tensors.items()]
    made = helper.make_graph(nodes, "g", values[:-1], values[-1:], held)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    model = helper.make_model(made, functions=list(functions), opset_imports=opsets)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), [output], **attributes)


W = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
INTS = np.array([16, 64], np.int64)

CHAINS = {
    "as it is": [node("MatMul", "x w", "y")],
    "on the left": [node("MatMul", "w x", "y")],
    "transposed": [node("Transpose", "w", "t"), node("MatMul", "x t", "y")],
    "reshaped": [node("Reshape", "w ints", "t"), node("MatMul", "x t", "y")],
    "sliced": [node("Slice", "w ints ints", "t"), node("Gemm", "x t", "y")],
    "split": [
        helper.make_node("Split", ["w"], ["a", "b"], num_outputs=2),
        node("MatMul", "x b", "y"),
    ],
    "joined": [node("Concat", "w w", "t", axis=0), node("GRU", "x t r", "y", hidden_size=8)],
    "rounded and back": [
        node("QuantizeLinear", "w s", "q"),
        node("DequantizeLinear", "q s", "d"),
        node("MatMul", "x d", "y"),
    ],
    "of QONNX": [
        node("Quant", "w s s s", "q", domain="local"),
        node("Conv", "x q", "y"),
    ],
    "cast": [node("Cast", "w", "c", to=1), node("Identity", "c", "i"), node("MatMul", "x i", "y")],
    "an embedding": [node("Gather", "w x", "y")],
}


@pytest.mark.parametrize("nodes", CHAINS.values(), ids=list(CHAINS))
def test_operands_of_a_graph(nodes: list[Any], tmp_path: Path) -> None:
    """A weight reaches its layer through what rearranges or rounds it; scales do not."""
    path = graph(tmp_path, nodes, w=W, s=np.ones((32, 32), np.float32), ints=INTS)
    assert layer_weights(path) == {"w"}


NO_OPERANDS = {
    "added": [node("Add", "x w", "y")],
    "joined to what is computed": [
        node("Relu", "x", "r"),
        node("Concat", "w r", "t", axis=0),
        node("MatMul", "t x", "y"),
    ],
    "a bias": [node("Gemm", "x v w", "y")],
    "where": [node("Where", "x w w", "y")],
    "computed from": [node("Relu", "w", "r"), node("MatMul", "x r", "y")],
}


@pytest.mark.parametrize("nodes", NO_OPERANDS.values(), ids=list(NO_OPERANDS))
def test_what_is_no_operand(nodes: list[Any], tmp_path: Path) -> None:
    assert layer_weights(graph(tmp_path, nodes, w=W)) == frozenset()


@pytest.mark.parametrize("name", ["stft.forward_basis_buffer", "f/stft-real/kernel:0", "attn_mask"])
def test_fixed_operands_by_their_names(name: str, tmp_path: Path) -> None:
    path = graph(tmp_path, [node("MatMul", f"x {name}", "y")], **{name: W})
    assert layer_weights(path) == frozenset()


def test_tables_that_are_no_embeddings(tmp_path: Path) -> None:
    nodes = [
        node("Gather", "embeddings.position_embeddings.weight x", "p"),
        node("Gather", "leaf x", "y"),
    ]
    tables = {"embeddings.position_embeddings.weight": W, "leaf": W.reshape(-1, 1)}
    assert layer_weights(graph(tmp_path, nodes, **tables)) == frozenset()


def test_operands_in_functions_and_subgraphs(tmp_path: Path) -> None:
    body = [node("Transpose", "weight", "turned"), node("MatMul", "given turned", "out")]
    opsets = [helper.make_opsetid("", 18)]
    called = helper.make_function("local", "linear", ["given", "weight"], ["out"], body, opsets)
    call = helper.make_node("linear", ["x", "a"], ["h"], domain="local")
    out = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
    inner = helper.make_graph([node("MatMul", "h b", "o")], "branch", [], [out])
    branch = node("If", "on", "y", then_branch=inner, else_branch=inner)
    path = graph(tmp_path, [call, branch], ("x", "on"), [called], a=W, b=W, c=W)
    assert layer_weights(path) == {"a", "b"}


def test_a_cycle_of_nodes_ends(tmp_path: Path) -> None:
    nodes = [node("Identity", "b", "a"), node("Identity", "a", "b"), node("MatMul", "x a", "y")]
    assert layer_weights(graph(tmp_path, nodes, w=W)) == frozenset()


def test_codes_are_no_weights() -> None:
    """FP8 with a scale is codes, bare FP8 is weights; one scale tells of the whole file."""
    code = torch.ones(32, 32).to(torch.float8_e4m3fn)
    bare = {"a.weight": code, "b.weight": code.clone()}
    assert _of(bare) == {"a.weight", "b.weight"}
    assert _of(bare | {"a.weight_scale": torch.ones(1), "c.weight": torch.ones(32, 32)}) == {
        "c.weight"
    }
    packed = {"a.qweight": torch.ones(64, 64, dtype=torch.int32)}
    assert _of(packed) == frozenset()
    assert _of(packed, codes=True) == {"a.qweight"}


def test_shapes() -> None:
    state = {
        "a.weight": torch.ones(16, 16),
        "small.weight": torch.ones(15, 17),
        "vector.weight": torch.ones(512),
        "single.weight": torch.ones(1, 1, 32, 32),
        "index.weight": torch.ones(32, 32, dtype=torch.int64),
    }
    assert _of(state) == {"a.weight"}
    assert _of(state, min_elements=255) == {"a.weight", "small.weight"}
    assert _of(state, min_elements=1024) == frozenset()


def _of(state: dict[str, torch.Tensor], **parameters: Any) -> frozenset[str]:
    checkpoint = checkpoint_of(state)
    file = FileExamination(checkpoint, Built(()), "cpu", no_progress, [])
    return file.result(LayerWeights(**parameters), checkpoint)
