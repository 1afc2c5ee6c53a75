"""Small models of several architectures, in several types and files, into which faults are planted.

A plant is one way to break, or nearly to break, a weight; every plant is written once for each of a
list of combinations of architecture, type and file, so that a rule meets it in all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from rule_cases import verdicts
from saved_as import save_as
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    GPT2Config,
    LlamaConfig,
)

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

REGISTRY = load_registry()
State = dict[str, Tensor]
_WIDTH, _WORDS, _LAYERS = 32, 96, 5


def _bert() -> nn.Module:
    config = BertConfig(
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=4,
        intermediate_size=64,
        vocab_size=_WORDS,
        max_position_embeddings=64,
    )
    model: nn.Module = AutoModelForMaskedLM.from_config(config)
    return model


def _llama() -> nn.Module:
    config = LlamaConfig(
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=4,
        intermediate_size=64,
        vocab_size=_WORDS,
    )
    model: nn.Module = AutoModelForCausalLM.from_config(config)
    return model


def _gpt2() -> nn.Module:
    config = GPT2Config(n_embd=_WIDTH, n_layer=_LAYERS, n_head=4, vocab_size=_WORDS, n_positions=64)
    model: nn.Module = AutoModelForCausalLM.from_config(config)
    return model


def _convolutions() -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(_LAYERS):
        layers += [nn.Conv2d(16, 16, 3), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(144, 32))


def _recurrent() -> nn.Module:
    return nn.ModuleDict({"rnn": nn.LSTM(32, 32, _LAYERS), "head": nn.Linear(32, 40)})


MODELS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "bert": (_bert, "bert.encoder.layer.2.intermediate.dense.weight"),
    "llama": (_llama, "model.layers.2.mlp.gate_proj.weight"),
    "gpt2": (_gpt2, "transformer.h.2.mlp.c_fc.weight"),
    "convolutions": (_convolutions, "6.weight"),
    "recurrent": (_recurrent, "rnn.weight_hh_l2"),
}
"""By architecture: the model, and the weight that faults are planted into."""

TYPES = (torch.float32, torch.bfloat16, torch.float16)
FILES = ("section", "safetensors", "sharded", "onnx")


@dataclass(frozen=True)
class Setting:
    """Where a fault is planted.

    Attributes:
        model: the architecture.
        dtype: of all weights.
        file: how it is saved.
        seed: of the weights and of the fault.
    """

    model: str
    dtype: torch.dtype
    file: str
    seed: int

    def __str__(self) -> str:
        return f"{self.model}-{str(self.dtype).removeprefix('torch.')}-{self.file}"

    @property
    def target(self) -> str:
        """The weight that is broken."""
        return MODELS[self.model][1]

    def state(self) -> State:
        """The weights as they were before: normal, so that no initialiser is judged by the way."""
        torch.manual_seed(self.seed)
        state = {
            name: torch.randn_like(tensor) * 0.05 if tensor.dim() > 1 else tensor.clone()
            for name, tensor in _state(self.model).items()
            if tensor.is_floating_point()
        }
        return {name: tensor.to(self.dtype) for name, tensor in state.items()}

    def write(self, state: State, folder: Path) -> Path:
        """Save weights as this setting says."""
        if self.file == "onnx":
            return _onnx(state, folder)
        return save_as(state, folder, self.file)


def settings(number: int, types: tuple[torch.dtype, ...] = TYPES) -> list[Setting]:
    """So many combinations, in which architectures, types and files take turns."""
    turns = zip(
        itertools.cycle(MODELS),
        itertools.cycle(types),
        itertools.cycle(FILES),
        range(number),
        strict=False,
    )
    return [Setting(model, dtype, file, seed) for model, dtype, file, seed in turns]


@cache
def _state(model: str) -> State:
    state: State = MODELS[model][0]().state_dict()
    # a head that is tied to the embedding is stored once
    return {name: tensor for name, tensor in state.items() if "decoder" not in name}


def _onnx(state: State, folder: Path) -> Path:
    """A graph that multiplies or convolves with each weight, and adds all others."""
    nodes, inputs, tensors = [], [], []
    for number, (name, tensor) in enumerate(state.items()):
        tensors.append(_initialiser(name, tensor))
        given = f"given.{number}"
        inputs.append(helper.make_tensor_value_info(given, tensors[-1].data_type, None))
        operator = {2: "MatMul", 4: "Conv"}.get(tensor.dim(), "Add")
        nodes.append(helper.make_node(operator, [given, name], [f"result.{number}"]))
    output = helper.make_tensor_value_info("result.0", tensors[0].data_type, None)
    graph = helper.make_graph(nodes, "g", inputs, [output], tensors)
    onnx.save(helper.make_model(graph), folder / "model.onnx")
    return folder / "model.onnx"


def _initialiser(name: str, tensor: Tensor) -> TensorProto:
    if tensor.dtype == torch.bfloat16:
        values = tensor.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
        raw, kind = values.tobytes(), TensorProto.BFLOAT16
    else:
        array = np.ascontiguousarray(tensor.numpy())
        raw, kind = array.tobytes(), helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor(name, kind, tuple(tensor.shape), raw, raw=True)


TIMES = 5
"""Settings for each plant: with four plants or more a rule meets twenty."""
Plant = Callable[[State, Setting], None]
"""What breaks weights, or nearly does, in place."""
Plants = Mapping[str, tuple[tuple[torch.dtype, ...], Mapping[str, Plant]]]
"""By rule: the types of weights that it meets, and what is planted."""


def added(name: str, make: Callable[[Setting], Tensor]) -> Plant:
    """A plant that is a further tensor."""

    def plant(state: State, setting: Setting) -> None:
        state[name] = make(setting)

    return plant


def cases(
    table: Plants,
) -> list[object]:
    """Each plant of each rule in several settings."""
    found: list[object] = []
    for rule, (types, plants) in table.items():
        every = settings(TIMES * len(plants), types)
        for place, (what, plant) in enumerate(plants.items()):
            for setting in every[place * TIMES : (place + 1) * TIMES]:
                name = f"{rule}: {what}, {setting}"
                found.append(pytest.param(rule, plant, setting, id=name))
    return found


def found_in(rule: str, plant: Plant, setting: Setting, folder: Path) -> list[str]:
    """The targets of the rule's findings, after the fault was planted."""
    state = setting.state()
    plant(state, setting)
    reached = verdicts(setting.write(state, folder), REGISTRY, rule)
    assert reached
    return [verdict.target.name for verdict in reached if verdict.outcome is Outcome.FAIL]
