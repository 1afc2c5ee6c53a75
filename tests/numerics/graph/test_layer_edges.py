"""A layer read in pieces, by numpy and by torch, against the matrix of its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hand_built import HandInputs, one_layer, with_norm

from modlint.analysis.units import UnitWeights
from modlint.analysis.weights import WeightGraph
from modlint.network import Group, Layer, Network, Norm
from modlint.numerics.graph import kernels
from modlint.numerics.graph.layer_edges import LayerEdges

IN, OUT = 6, 12
LAYERS: dict[str, tuple[str, tuple[int, ...], dict[str, Any]]] = {
    "linear": ("linear", (12, 6), {}),
    "transposed": ("linear", (6, 12), {"transposed": True}),
    "convolution": ("conv", (12, 6, 3, 3), {}),
    "grouped": ("conv", (12, 3, 3), {"groups": 2}),
    "depthwise": ("conv", (12, 1, 3, 3), {"groups": 6}),
    "transposed convolution": ("conv-transpose", (6, 12, 3), {}),
    "grouped transposed convolution": ("conv-transpose", (6, 6, 3), {"groups": 2}),
    "flattened": ("linear", (12, 24), {"columns_per_unit": 4}),
    "channels last": ("linear", (12, 24), {"columns_per_unit": 4, "channels_last": True}),
}


@pytest.fixture(params=[1 << 16, 20, 1], ids="pieces of {}".format)
def _piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "CHUNK", request.param)
    monkeypatch.setattr(kernels, "DEVICE_CHUNK", request.param)


def _inputs(name: str, dtype: torch.dtype, device: Any, norms: bool) -> HandInputs:
    kind, shape, fields = LAYERS[name]
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(shape, generator=generator)
    weight[weight.abs() < 0.7] = 0
    weight[2] = 0
    layer = Layer("layer", kind, shape, "in", "out", (), "w", **fields)
    inputs = one_layer(layer, IN, OUT, weight.to(dtype))
    if norms:
        before = Norm("affine", IN, "before")
        inputs = with_norm(inputs, 0, before, {"before": torch.arange(IN) - 2.0}, "input")
        after = Norm("batch", OUT, "g", "b", mean="m", variance="v")
        parts = {name: torch.rand(OUT, generator=generator) for name in "gbmv"}
        inputs = with_norm(inputs, 0, after, parts, "output")
    inputs.device = device
    return inputs


@pytest.mark.usefixtures("_piece")
@pytest.mark.parametrize("norms", [False, True], ids=["plain", "norms"])
@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
@pytest.mark.parametrize("name", LAYERS)
def test_sums_over_edges(name: str, dtype: torch.dtype, device: Any, norms: bool) -> None:
    inputs = _inputs(name, dtype, device, norms)
    (block,) = WeightGraph().compute(inputs.network, inputs).blocks
    edges = block.weights.double().numpy()
    layer = LayerEdges(inputs.network, inputs.network.layers[0], inputs)
    like = np.asarray if device == "cpu" else torch.tensor
    x, y = np.linspace(0, 1, IN), np.linspace(1, 2, OUT)
    np.testing.assert_allclose(np.asarray(layer.forward(like(x))), edges.T @ x, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(layer.backward(like(y))), edges @ y, rtol=1e-6)


@pytest.mark.usefixtures("_piece")
@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e5m2, torch.int8])
@pytest.mark.parametrize("name", LAYERS)
def test_units_without_weights(name: str, dtype: torch.dtype, device: Any) -> None:
    """What the layer drives and reads, when hidden groups stand on either side of it."""
    inputs = _inputs(name, dtype, device, norms=False)
    (layer,) = inputs.network.layers
    edges = WeightGraph().compute(inputs.network, inputs).blocks[0].weights
    ends = (Group("x", 2, "input"), Group("y", 2, "output"))
    sides = (Group("in", IN, "hidden"), Group("out", OUT, "hidden"))
    first = Layer("first", "linear", (IN, 2), "x", "in", (), "first")
    last = Layer("last", "linear", (2, OUT), "out", "y", (), "last")
    network = Network("0", "graph", None, (*ends, *sides), (first, layer, last))
    tensors = {**inputs.tensors, "first": torch.ones(IN, 2), "last": torch.ones(2, OUT)}
    source, target = HandInputs(network, tensors, device=device).result(UnitWeights())
    assert source.silent == tuple((edges.sum(1) == 0).nonzero().flatten().tolist())
    assert target.constant == tuple((edges.sum(0) == 0).nonzero().flatten().tolist())
    assert source.silent or target.constant
