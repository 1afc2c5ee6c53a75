"""A call's weight read in pieces, by numpy and by torch, against the matrix of its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hand_built import Drawn, HandInputs, one_layer

from modlint.analysis.units import UnitWeights
from modlint.analysis.weights import WeightArrays
from modlint.numerics.graph import kernels
from modlint.numerics.graph.call_edges import CallEdges
from modlint.numerics.graph.channels import neurons_of, reads_of

IN, OUT = 6, 12
LAYERS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "linear": ((12, 6), {}),
    "transposed": ((6, 12), {"kind": "transposed"}),
    "convolution": ((12, 6, 3, 3), {"kind": "conv"}),
    "grouped": ((12, 3, 3), {"kind": "conv", "groups": 2}),
    "depthwise": ((12, 1, 3, 3), {"kind": "conv", "groups": 6}),
    "transposed convolution": ((6, 12, 3), {"kind": "conv-transpose"}),
    "grouped transposed convolution": ((6, 6, 3), {"kind": "conv-transpose", "groups": 2}),
    "flattened": ((12, 24), {"positions": 4}),
    "channels last": ((12, 24), {"positions": 4, "channels_last": True}),
}


@pytest.fixture(params=[1 << 16, 20, 1], ids="pieces of {}".format)
def _piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "CHUNK", request.param)
    monkeypatch.setattr(kernels, "DEVICE_CHUNK", request.param)


def _weight(name: str, dtype: torch.dtype) -> torch.Tensor:
    weight = torch.randn(LAYERS[name][0], generator=torch.Generator().manual_seed(0))
    weight[weight.abs() < 0.7] = 0
    weight[2] = 0
    return weight.to(dtype)


def _spread(inputs: HandInputs) -> np.ndarray:
    """Which input neuron each column reads: (neurons, columns)."""
    (call,) = inputs.network.calls
    found = np.zeros((IN, call.columns))
    for read in reads_of(call.reads):
        neurons = neurons_of(inputs.network.value(read.value))
        found[neurons[read.channels], read.columns] = 1
    return found


@pytest.mark.usefixtures("_piece")
@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
@pytest.mark.parametrize("name", LAYERS)
def test_sums_over_edges(name: str, dtype: torch.dtype, device: Any) -> None:
    inputs = one_layer(_weight(name, dtype), **LAYERS[name][1])
    inputs.device = device
    (block,) = inputs.tensors_of(WeightArrays()).blocks
    edges, columns = block.weights.double().numpy(), _spread(inputs)
    call = CallEdges(inputs.network, inputs.network.calls[0], inputs)
    x, y = np.linspace(0, 1, IN), np.linspace(1, 2, OUT)
    np.testing.assert_allclose(call.forward(x @ columns), edges.T @ x, rtol=1e-6)
    np.testing.assert_allclose(columns @ call.backward(y), edges @ y, rtol=1e-6)


@pytest.mark.usefixtures("_piece")
@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e5m2, torch.int8])
@pytest.mark.parametrize("name", LAYERS)
def test_units_without_weights(name: str, dtype: torch.dtype, device: Any) -> None:
    """What the layer drives and reads, when hidden units stand on either side of it."""
    how = LAYERS[name][1]
    weight = _weight(name, dtype)
    alone = one_layer(weight, **how)
    edges = alone.tensors_of(WeightArrays()).blocks[0].weights
    inputs = _between(weight, **how)
    inputs.device = device
    source, target = inputs.result(UnitWeights())
    assert source.silent == tuple((edges.sum(1) == 0).nonzero().flatten().tolist())
    dead = tuple((edges.sum(0) == 0).nonzero().flatten().tolist())
    assert target.constant == dead
    assert source.silent or target.constant


def _between(
    weight: torch.Tensor,
    kind: str = "linear",
    groups: int = 1,
    positions: int = 1,
    *,
    channels_last: bool = False,
) -> HandInputs:
    """A layer between two that are full."""
    drawn = Drawn()
    shape = weight.shape[2:] if kind.startswith("conv") else (positions,)
    x = drawn.conv("first", drawn.input(1, 2, *shape), torch.ones(IN, 2, *(1 for _ in shape)))
    if kind.startswith("conv"):
        x = drawn.conv("layer", x, weight, groups=groups, transposed=kind == "conv-transpose")
        last = torch.ones(2, OUT, *(1 for _ in shape))
        return drawn.inputs(drawn.conv("last", x, last))
    x = drawn.flatten(x, channels_last=channels_last)
    x = drawn.linear("layer", x, weight, transposed=kind == "transposed")
    return drawn.inputs(drawn.linear("last", x, torch.ones(2, OUT)))
