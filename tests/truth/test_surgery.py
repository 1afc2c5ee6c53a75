"""Surgery through a true graph changes nothing; through a false one it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from truth.graph import Edges
from truth.oracle import measure
from truth.sources import write
from truth.surgery import Editable, Neuron, cut, difference, feeds, permute, scale
from truth.zoo import ZOO, built

NAMES = ["mlp", "residual_mlp_norm", "cnn_flatten", "cnn_batch_norm", "inverted_residual", "unet"]


def _edges(edges: Edges) -> list[dict[str, Any]]:
    return [{"from": a, "to": b, "columns": sorted(c)} for (a, b), c in edges.items()]


def _dead(unit: Neuron) -> bool:
    return unit.channels["0.weight"] == [3]


@pytest.fixture
def exported(tmp_path: Path):
    def export(name: str) -> onnx.ModelProto:
        # dynamo keeps the names of parameters, so the oracle's edges are those of the file
        return onnx.load(write("onnx-dynamo", *built(ZOO[name]), tmp_path))

    return export


@pytest.mark.parametrize("name", NAMES)
def test_exchanged_neurons_change_nothing(name: str, exported) -> None:
    model = exported(name)
    editable = Editable.of(model, _edges(measure(*built(ZOO[name])).required))
    other, moved = permute(editable)
    assert moved > 4
    assert difference(model, other, feeds(model)) < 1e-5


def test_a_wrong_column_is_found(exported) -> None:
    model = exported("mlp")
    edges = measure(*built(ZOO["mlp"])).required
    edges["0.weight", "2.weight"] = {(c, (c + 1) % 12) for c in range(12)}
    other, _ = permute(Editable.of(model, _edges(edges)))
    assert difference(model, other, feeds(model)) > 1e-2


def test_scaled_units_and_dead_ones(exported) -> None:
    module, inputs = built(ZOO["mlp"])
    model = exported("mlp")
    editable = Editable.of(model, _edges(measure(module, inputs).required))
    assert difference(model, scale(editable, editable.neurons), feeds(model)) < 1e-5
    unit = [n for n in editable.neurons if _dead(n)]
    assert difference(model, cut(editable, unit), feeds(model)) > 1e-3
    dead = onnx.ModelProto()
    dead.CopyFrom(model)
    bias = next(i for i in dead.graph.initializer if i.name == "0.bias")
    values = onnx.numpy_helper.to_array(bias).copy()
    values[3] = -1e4
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    editable = Editable.of(dead, _edges(measure(*built(ZOO["mlp"])).required))
    unit = [n for n in editable.neurons if _dead(n)]
    assert len(unit) == 1
    assert difference(dead, cut(editable, unit), feeds(dead)) < 1e-5
