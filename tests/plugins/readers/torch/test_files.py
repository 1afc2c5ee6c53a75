"""Files that torch.save writes, in both of its formats, against what torch reads from them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from modlint.checkpoint import Checkpoint, Role, Status
from modlint_plugins.pickling.render import render

Read = Callable[[Path], Checkpoint]
Compare = Callable[[Checkpoint, Any], None]
Save = Callable[..., Path]

DTYPES = """
    float64 float32 float16 bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz
    float8_e8m0fnu int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex128 complex64
    complex32
"""


@pytest.fixture(params=["zip", "legacy"])
def save(request: pytest.FixtureRequest, tmp_path: Path) -> Save:
    """Writes a file with torch.save."""

    def write(value: Any, **options: Any) -> Path:
        path = tmp_path / "model.pt"
        zipped = request.param == "zip"
        torch.save(value, path, _use_new_zipfile_serialization=zipped, **options)
        return path

    return write


def loaded(path: Path) -> Any:
    return torch.load(path, weights_only=True)


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_state_dict_by_every_protocol(
    save: Save, read: Read, assert_same_tensors: Compare, protocol: int
) -> None:
    state = small_net().state_dict()
    checkpoint = read(save(state, pickle_protocol=protocol))
    assert checkpoint.status is Status.CHECKED
    assert checkpoint.faults == checkpoint.remarks == ()
    assert all(trace.incomplete is None for trace in checkpoint.pickles)
    assert_same_tensors(checkpoint, state)
    assert {tensor.section for tensor in checkpoint.tensors.values()} == {""}


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("name", DTYPES.split())
def test_every_dtype(save: Save, read: Read, assert_same_tensors: Compare, name: str) -> None:
    # torch itself cannot load its newest types from the legacy format: compare with what was saved.
    values = torch.arange(48) % (2 if name == "bool" else 256)
    tensor = values.to(torch.uint8).view(getattr(torch, name))
    assert_same_tensors(read(save({"t": tensor})), {"t": tensor})


def test_views_and_shared_storages(save: Save, read: Read, assert_same_tensors: Compare) -> None:
    base = torch.arange(60.0).reshape(3, 4, 5)
    value = {
        "base": base,
        "transposed": base.permute(2, 0, 1),
        "slice": base[1:, ::2, 3],
        "scalar": base[2, 3, 4],
        "expanded": base[0, 0, 0].expand(4, 2),
        "empty": base[:0],
        "other": torch.ones(1),
    }
    path = save(value)
    checkpoint = read(path)
    assert_same_tensors(checkpoint, loaded(path))
    shared = {id(t.storage) for name, t in checkpoint.tensors.items() if name != "other"}
    assert len(shared) == 1
    assert not checkpoint.tensors["transposed"].contiguous


def test_views_of_different_types_of_one_storage(
    save: Save, read: Read, assert_same_tensors: Compare
) -> None:
    data = torch.arange(8).to(torch.uint16)
    value = {"wide": data, "narrow": data.view(torch.float8_e5m2)}
    checkpoint = read(save(value))
    assert_same_tensors(checkpoint, value)
    assert checkpoint.tensors["wide"].storage is checkpoint.tensors["narrow"].storage


def test_offsets_point_into_the_file(save: Save, read: Read) -> None:
    path = save({"a": torch.arange(5.0), "b": torch.arange(7.0)[2:]})
    content = path.read_bytes()
    for tensor in read(path).tensors.values():
        assert tensor.offset is not None
        begin = tensor.storage.read()[tensor.storage_offset * 4 :][:12]
        assert content[tensor.offset : tensor.offset + 12] == bytes(begin)


def test_a_training_checkpoint(save: Save, read: Read, assert_same_tensors: Compare) -> None:
    net = small_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.25)
    net(torch.ones(1, 1, 3, 3).expand(2, 1, 3, 3)).sum().backward()
    optimizer.step()
    value = {
        "epoch": 7,
        "best": 0.5,
        "arch": "net",
        "model": net.state_dict(),
        "ema": {key: item.clone() for key, item in net.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": {"last": torch.ones(1)},
        "torch_rng": {"rng_state": torch.get_rng_state()},
    }
    path = save(value)
    checkpoint = read(path)
    assert_same_tensors(checkpoint, loaded(path))
    tensors = checkpoint.tensors
    assert tensors["model.0.weight"].section == "model"
    assert tensors["model.0.weight"].key == "0.weight"
    assert tensors["ema.0.weight"].section == "ema"
    assert tensors["optimizer.state.0.exp_avg"].section == "optimizer.state"
    training = {t.section for t in tensors.values() if t.role is Role.TRAINING_STATE}
    assert training == {"optimizer.state", "lr_scheduler", "torch_rng"}
    assert checkpoint.parameters == 2 * sum(t.numel() for t in net.state_dict().values())
    facts = {"epoch": 7, "best": 0.5, "arch": "net", "optimizer.param_groups.0.lr": 0.25}
    assert facts.items() <= checkpoint.metadata.items()


@pytest.mark.parametrize(
    ("value", "sections"),
    [
        (torch.ones(2), {"tensor": ""}),
        ([torch.ones(2), torch.ones(2)], {"0": "", "1": ""}),
        ({"G": {"w": torch.ones(2)}, "D": {"w": torch.ones(2)}}, {"G.w": "G", "D.w": "D"}),
        ({"net": {"a": {"w": torch.ones(2)}}}, {"net.a.w": "net.a"}),
        ({"epoch": 1, "lr": 2, "w": torch.ones(2)}, {"w": ""}),
        ({"w": torch.ones(2), 3: [torch.ones(2)]}, {"w": "", "3.0": ""}),
        ({"": torch.ones(2), "ü.β": torch.ones(2)}, {"''": "", "ü.β": ""}),
        ([{"w": torch.ones(2)}, {"w": torch.ones(2)}], {"0.w": "0", "1.w": "1"}),
    ],
)
def test_sections(save: Save, read: Read, value: Any, sections: dict[str, str]) -> None:
    tensors = read(save(value)).tensors
    assert {name: tensor.section for name, tensor in tensors.items()} == sections


class Net(nn.Module):
    """A module with everything that a whole-module pickle can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.body = small_net()
        self.rnn = nn.LSTM(3, 2)
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.tied = self.body[3]


def test_a_whole_module_is_named_as_its_state_dict(save: Save, read: Read) -> None:
    net = Net()
    state = {key: tuple(tensor.shape) for key, tensor in net.state_dict().items()}
    tensors = read(save(net)).tensors
    assert {key: tensor.shape for key, tensor in tensors.items()} == state
    assert {tensor.section for tensor in tensors.values()} == {""}
    nested = read(save({"epoch": 1, "model": net})).tensors
    assert set(nested) == {f"model.{key}" for key in state}
    assert {tensor.key for tensor in nested.values()} == set(state)


def test_a_whole_module_uses_are_traced(save: Save, read: Read) -> None:
    uses = {use.qualified: use.use for trace in read(save(Net())).pickles for use in trace.uses}
    assert uses["torch.nn.modules.linear.Linear"] == "instantiated"
    assert uses["torch._utils._rebuild_parameter"] == "called"
    assert uses["torch.FloatStorage"] == "pushed"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_quantised_tensors_keep_their_parts(save: Save, read: Read) -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    scales, zeros = torch.tensor([0.5, 0.25]), torch.tensor([1, 2])
    value = {
        "whole": torch.quantize_per_tensor(weight, 0.5, 3, torch.quint8),
        "rows": torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8),
    }
    checkpoint = read(save(value))
    tensors = checkpoint.tensors
    assert list(tensors) == ["whole", "rows", "rows.scales", "rows.zero_points"]
    assert tensors["whole"].dtype.name == "quint8"
    assert bytes(tensors["whole"].storage.read()) == value["whole"].int_repr().numpy().tobytes()
    assert bytes(tensors["rows"].storage.read()) == value["rows"].int_repr().numpy().tobytes()
    assert {tensor.section for tensor in tensors.values()} == {""}


@pytest.mark.filterwarnings("ignore:Sparse:UserWarning")
def test_sparse_tensors_are_their_parts(save: Save, read: Read) -> None:
    dense = torch.eye(3)
    value = {"coo": dense.to_sparse(), "csr": dense.to_sparse_csr(), "plain": dense}
    tensors = read(save(value)).tensors
    parts = ["coo.indices", "coo.values", "csr.crow_indices", "csr.col_indices", "csr.values"]
    assert list(tensors) == [*parts, "plain"]
    assert {tensor.section for tensor in tensors.values()} == {""}
    assert tensors["csr.crow_indices"].shape == (4,)


def test_tensors_without_data_are_remarked(save: Save, read: Read) -> None:
    checkpoint = read(save({"m": torch.empty(3, device="meta"), "w": torch.ones(1)}))
    assert list(checkpoint.tensors) == ["w"]
    assert [remark.kind for remark in checkpoint.remarks] == ["meta-tensor"]


def test_pending_conjugation_is_remarked(save: Save, read: Read) -> None:
    checkpoint = read(save({"c": torch.ones(2, dtype=torch.complex64).conj()}))
    assert [remark.kind for remark in checkpoint.remarks] == ["lazy-tensor"]


def test_subclasses_of_tensors_and_their_attributes(save: Save, read: Read) -> None:
    parameter = nn.Parameter(torch.ones(2))
    parameter.mask = torch.zeros(3)  # type: ignore[attr-defined]
    tensors = read(save({"p": parameter, "b": nn.Buffer(torch.ones(1))})).tensors
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "p": (2,),
        "p.state.mask": (3,),
        "b": (1,),
    }


def test_numpy_arrays_are_tensors_too(save: Save, read: Read) -> None:
    import numpy as np

    value = {"mean": np.arange(6.0).reshape(2, 3), "turned": np.arange(6.0).reshape(2, 3).T}
    tensors = read(save(value)).tensors
    assert tensors["mean"].dtype.name == "float64"
    assert (tensors["mean"].shape, tensors["mean"].strides) == ((2, 3), (3, 1))
    assert (tensors["turned"].shape, tensors["turned"].strides) == ((3, 2), (1, 3))


def test_ten_thousand_tensors(save: Save, read: Read) -> None:
    data = torch.zeros(10_000)
    state = OrderedDict((f"layer.{n}.weight", data[n]) for n in range(10_000))
    assert list(read(save(state)).tensors) == list(state)


def test_metadata_stays_small(save: Save, read: Read) -> None:
    value: dict[str, Any] = {"w": torch.ones(1), "text": "x" * 10_000, "big": 2**100, "n": [1, 2]}
    value |= {"many": list(range(5000)), "options": {f"o{n}": n for n in range(5000)}}
    metadata = read(save({"vocab": value})).metadata
    assert len(metadata) <= 1010
    assert metadata["vocab.n"] == [1, 2]
    assert not {"vocab.text", "vocab.big", "vocab.many"} & metadata.keys()


def test_inert_values_render_within_bounds(save: Save, read: Read) -> None:
    for trace in read(save(Net())).pickles:
        assert all(len(use.rendered) <= 200 for use in trace.uses)
    assert len(render([list(range(100))] * 100)) <= 200


MEASURE = """
import json, resource, sys
from pathlib import Path
from modlint.source import open_source
from modlint_plugins.readers.torch.zip import TorchZipReader
from modlint_plugins.readers.torch.legacy import TorchLegacyReader
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = open_source(Path(sys.argv[1]))
reader = next(r for r in (TorchZipReader(), TorchLegacyReader()) if r.sniff(source))
checkpoint = reader.read(source)
views = [tensor.storage.read() for tensor in checkpoint.tensors.values()]
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
heavy = sorted({"torch", "numpy"} & sys.modules.keys())
print(json.dumps({"kib": after - before, "bytes": sum(map(len, views)), "heavy": heavy}))
"""


def test_storages_are_mapped_and_never_loaded(save: Save) -> None:
    path = save({str(n): torch.zeros(20, 1000, 1000, dtype=torch.uint8) for n in range(10)})
    command = [sys.executable, "-c", MEASURE, str(path)]
    measured = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    path.unlink()
    assert measured["bytes"] == 200_000_000
    assert measured["kib"] < 50_000
    assert measured["heavy"] == []
