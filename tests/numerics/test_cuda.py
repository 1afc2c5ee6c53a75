"""The same numbers on a GPU; skipped, saying so, where there is none."""

from __future__ import annotations

import math

import pytest
import torch
from hand_built import HandInputs, chain, planted_weights, random_weights
from msgspec.structs import replace

from modlint.analysis.bits import TensorBits
from modlint.analysis.clustering import ClusterTest, Partition
from modlint.analysis.flow import Flow
from modlint.analysis.statistics import TensorStatistics
from modlint.analysis.units import UnitWeights
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.engine.visit import visit
from modlint.numerics.linalg import eigen
from modlint.numerics.tensor import chunks

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch finds no CUDA device here"
)


def _on_gpu(inputs: HandInputs) -> HandInputs:
    return HandInputs(inputs.network, inputs.tensors, device=torch.device("cuda"))


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float8_e4m3fn", "int8", "complex64"])
def test_statistics(name: str) -> None:
    values = 3 * torch.randn(300, 70)
    values[3] = 0
    if name != "int8":
        values[5, 7] = math.nan
    tensor = _stored(values.to(getattr(torch, name)))
    analysis = TensorStatistics()
    on_gpu = visit([tensor], [analysis], lambda: torch.device("cuda"), lambda *_: None)
    on_cpu = visit([tensor], [analysis], lambda: "cpu", lambda *_: None)
    found, expected = on_gpu.results[analysis]["t"], on_cpu.results[analysis]["t"]
    for moment in ("mean", "std", "rms", "kurtosis"):
        assert getattr(found, moment) == pytest.approx(getattr(expected, moment), rel=1e-5)
    rest = [replace(each, mean=0, std=0, rms=0, kurtosis=0) for each in (found, expected)]
    assert rest[0] == rest[1]


@pytest.mark.parametrize("name", ["float64", "float32", "float16", "bfloat16", "float8_e5m2"])
@pytest.mark.parametrize("kind", ["normal", "small", "large", "sparse", "few", "offset", "parts"])
def test_statistics_and_bits(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted is the same; moments agree to the accuracy that is stated."""
    if kind == "parts":
        monkeypatch.setattr(chunks, "DEVICE_CHUNK", 1 << 12)
        monkeypatch.setattr(chunks, "CHUNKS_OF_A_PART", 3)
    values = torch.randn(300, 200, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    drawn = {
        "small": values * 1e-7,
        "large": values * 1e3,
        "sparse": values * (values > 1.5),
        "few": values.sign(),
        "offset": values / 100 + 1,
    }
    tensor = _stored(drawn.get(kind, values).to(getattr(torch, name)))
    analyses = TensorStatistics(), TensorBits()
    on_gpu, on_cpu = (
        [
            visit([tensor], analyses, device, lambda *_: None).results[analysis]["t"]
            for analysis in analyses
        ]
        for device in (lambda: torch.device("cuda"), lambda: "cpu")
    )
    assert on_gpu[1] == on_cpu[1]
    for moment in ("mean", "std", "rms", "kurtosis"):
        found, expected = (getattr(each[0], moment) for each in (on_gpu, on_cpu))
        if expected is None:  # the type has one number for all of them
            assert found is None
        else:
            assert found == pytest.approx(expected, rel=1e-5, abs=4e-6 * on_cpu[0].rms), moment
    rest = [replace(each[0], mean=0, std=0, rms=0, kurtosis=0) for each in (on_gpu, on_cpu)]
    assert rest[0] == rest[1]


def _stored(values: torch.Tensor) -> Tensor:
    """A tensor of a file that holds these values."""
    data = memoryview(values.contiguous().view(torch.uint8).numpy()).cast("B")
    storage = Storage("s", len(data), lambda: data)
    shape = tuple(values.shape)
    name = str(values.dtype).removeprefix("torch.")
    return Tensor("t", DTYPES[name], shape, contiguous_strides(shape), storage)


def test_flow() -> None:  # the products are made on the device, the sums by neuron beside it
    inputs = chain(*random_weights(0, 6, 5, 4))
    found, expected = _on_gpu(inputs).result(Flow()), inputs.result(Flow())
    for group, flow in found.units.items():
        assert flow.tolist() == pytest.approx(expected.units[group].tolist())


def test_unit_weights() -> None:
    first, second = random_weights(0, 6, 5, 4)
    first[3], second[:, 1] = 0, 0
    (found,) = _on_gpu(chain(first, second)).result(UnitWeights())
    assert (found.silent, found.constant, found.off) == ((1,), (3,), (3,))


@pytest.mark.parametrize("whole", [True, False])
def test_cluster_test(whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not whole:
        monkeypatch.setattr(eigen, "_decompose_whole", lambda order, k: False)
    spec = ClusterTest(Partition(clusters=10), shuffles=19)
    inputs = chain(*planted_weights(0, 10, 200, 150, 150, 150, 30))
    found, expected = _on_gpu(inputs).result(spec), inputs.result(spec)
    assert found.clusters.spectral_sum == pytest.approx(expected.clusters.spectral_sum, abs=1e-9)
    assert found.clusters.ncut == pytest.approx(expected.clusters.ncut, abs=1e-3)
    assert found.clusters.labels == expected.clusters.labels
    assert found.null_samples == pytest.approx(expected.null_samples, rel=5e-3)
    assert found.p_value == expected.p_value
