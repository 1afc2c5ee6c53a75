"""Quantised and sparse tensors keep their parts; the files of DeepSpeed and FSDP read well."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from modlint.checkpoint import Checkpoint, Role

Read = Callable[[Path], Checkpoint]


@pytest.mark.parametrize("legacy", [False, True])
def test_quantised_tensors(tmp_path: Path, load_any: Read, legacy: bool) -> None:
    values = torch.arange(6.0).reshape(2, 3)
    scales, zeros = torch.tensor([0.5, 0.25], dtype=torch.float64), torch.tensor([1, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = torch.quantize_per_tensor(values, 0.1, 3, torch.quint8)
        channels = torch.quantize_per_channel(values, scales, zeros, 0, torch.qint8)
        path = tmp_path / "q.pt"
        torch.save(
            {"whole": whole, "channels": channels},
            path,
            _use_new_zipfile_serialization=not legacy,
        )

    checkpoint = load_any(path)

    tensors = checkpoint.tensors
    assert not checkpoint.faults
    assert list(tensors) == ["whole", "channels", "channels.scales", "channels.zero_points"]
    assert tensors["whole"].dtype.name == "quint8"
    assert bytes(tensors["whole"].storage.read()) == whole.int_repr().numpy().tobytes()
    assert checkpoint.metadata["whole.scale"] == 0.1
    assert checkpoint.metadata["whole.zero_point"] == 3
    assert checkpoint.metadata["channels.axis"] == 0
    assert bytes(tensors["channels.scales"].storage.read()) == scales.numpy().tobytes()
    assert bytes(tensors["channels.zero_points"].storage.read()) == zeros.numpy().tobytes()


@pytest.mark.parametrize(
    ("convert", "parts"),
    [
        ("to_sparse_coo", ("indices", "values")),
        ("to_sparse_csr", ("crow_indices", "col_indices", "values")),
        ("to_sparse_csc", ("ccol_indices", "row_indices", "values")),
    ],
)
def test_sparse_tensors(
    tmp_path: Path, load_any: Read, convert: str, parts: tuple[str, ...]
) -> None:
    dense = torch.tensor([[0.0, 2.0, 0.0], [3.0, 0.0, 4.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sparse = getattr(dense, convert)()
        torch.save({"s": sparse}, tmp_path / "s.pt")

    checkpoint = load_any(tmp_path / "s.pt")

    assert list(checkpoint.tensors) == [f"s.{part}" for part in parts]
    assert checkpoint.metadata["s.size"] == [2, 3]
    for part in parts:
        method = f"_{part}" if convert == "to_sparse_coo" else part
        expected = getattr(sparse, method)().contiguous()
        tensor = checkpoint.tensors[f"s.{part}"]
        first = tensor.storage_offset * tensor.dtype.bits // 8
        found = bytes(tensor.storage.read()[first : first + tensor.nbytes])
        assert tensor.contiguous
        assert found == expected.numpy().tobytes()


def test_deepspeed_files(tmp_path: Path, load_any: Read) -> None:
    module = OrderedDict(w=torch.ones(2, 3), b=torch.zeros(2))
    states = {
        "module": module,
        "buffer_names": [],
        "optimizer": None,
        "param_shapes": [OrderedDict((name, t.shape) for name, t in module.items())],
        "ds_config": {"zero_optimization": {"stage": 2}},
        "ds_version": "0.14.0",
        "dp_world_size": 1,
        "global_steps": 3,
    }
    flat = torch.arange(8.0)
    optimizer = {
        "optimizer_state_dict": {
            "base_optimizer_state": {"state": {0: {"exp_avg": flat}}, "param_groups": []},
            "single_partition_of_fp32_groups": [flat.clone()],
            "zero_stage": 2,
            "partition_count": [1],
        },
        "ds_version": "0.14.0",
    }
    torch.save(states, tmp_path / "mp_rank_00_model_states.pt")
    torch.save(optimizer, tmp_path / "zero_pp_rank_0_mp_rank_00_optim_states.pt")

    model = load_any(tmp_path / "mp_rank_00_model_states.pt")
    shard = load_any(tmp_path / "zero_pp_rank_0_mp_rank_00_optim_states.pt")

    assert not model.faults
    assert list(model.tensors) == ["module.w", "module.b"]
    assert model.metadata["ds_version"] == "0.14.0"
    assert not shard.faults
    assert len(shard.tensors) == 2
    assert all(t.role is Role.TRAINING_STATE for t in shard.tensors.values())
    for tensor in shard.tensors.values():
        assert bytes(tensor.storage.read()) == flat.numpy().tobytes()
