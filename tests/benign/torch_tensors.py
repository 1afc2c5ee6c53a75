"""State dicts, and every kind of tensor that torch.save knows."""

from __future__ import annotations

import io
from typing import Any

import torch
from torch import nn

from benign.collection import Collection, torch_saved

FILES = Collection("torch")

FLOATS = """
    float64 float32 float16 bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz
    float8_e8m0fnu
"""
INTEGERS = "int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool"
COMPLEX = "complex128 complex64 complex32"

MODULES: dict[str, Any] = {
    "mlp": lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)),
    "cnn": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU()),
    "lstm": lambda: nn.LSTM(5, 4, num_layers=2, bidirectional=True),
    "gru with projections of text": lambda: nn.Sequential(nn.Embedding(9, 4), nn.GRU(4, 3)),
    "transformer": lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True),
    "norms": lambda: nn.ModuleList(
        [nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, True, True), nn.RMSNorm(4)]
    ),
    "transposed and 3d": lambda: nn.ModuleDict(
        {"up": nn.ConvTranspose2d(3, 4, 3), "deep": nn.Conv3d(1, 2, 3), "flat": nn.Conv1d(2, 3, 2)}
    ),
    "bilinear and bag": lambda: nn.ModuleList([nn.Bilinear(3, 4, 2), nn.EmbeddingBag(7, 3)]),
    "attention": lambda: nn.MultiheadAttention(8, 2, kdim=6, vdim=4),
    "adaptive softmax": lambda: nn.AdaptiveLogSoftmaxWithLoss(32, 20, [5, 10]),
}


for _name, _make in MODULES.items():
    FILES.add(
        f"state dict of {_name}",
        torch_saved(lambda make=_make: make().state_dict(), "model.pth"),
    )


@FILES.saved()
def floating_point_types() -> Any:
    return {
        name: torch.arange(1, 9).to(torch.float32).to(getattr(torch, name))
        for name in FLOATS.split()
    }


@FILES.saved()
def integer_types() -> Any:
    return {name: (torch.arange(8) % 2).to(getattr(torch, name)) for name in INTEGERS.split()}


@FILES.saved()
def complex_types_and_lazy_views() -> Any:
    values = {
        name: torch.complex(torch.ones(4), torch.arange(4.0)).to(getattr(torch, name))
        for name in COMPLEX.split()
    }
    lazy = torch.complex(torch.ones(3), torch.arange(3.0))
    return values | {"conjugate": lazy.conj(), "negative": torch._neg_view(torch.ones(3))}


@FILES.saved()
def types_beyond_arithmetic() -> Any:
    return {
        "bits": torch.arange(4, dtype=torch.uint8).view(torch.bits8),
        "nibbles": torch.arange(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
        "dtypes": [torch.float32, torch.bfloat16, torch.float8_e5m2, torch.quint8],
        "layouts": [torch.strided, torch.sparse_coo, torch.jagged],
    }


@FILES.saved()
def quantised_tensors() -> Any:
    weight = torch.arange(6.0).reshape(2, 3)
    scales, zeros = torch.tensor([0.5, 0.25]), torch.tensor([1, 2])
    return {
        "whole": torch.quantize_per_tensor(weight, 0.5, 3, torch.quint8),
        "wide": torch.quantize_per_tensor(weight, 0.5, 0, torch.qint32),
        "rows": torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8),
    }


@FILES.saved()
def sparse_tensors() -> Any:
    dense = torch.tensor([[0.0, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [0, 4, 0, 5]])
    indices, values = torch.tensor([[0, 1, 1], [2, 0, 0]]), torch.tensor([3.0, 4, 5])
    return {
        "coo": dense.to_sparse(),
        "uncoalesced": torch.sparse_coo_tensor(indices, values, (2, 3)),
        "hybrid": torch.sparse_coo_tensor([[0, 2]], torch.ones(2, 3), (4, 3)),
        "csr": dense.to_sparse_csr(),
        "csc": dense.to_sparse_csc(),
        "bsr": dense.to_sparse_bsr((2, 2)),
        "bsc": dense.to_sparse_bsc((2, 2)),
        "empty": torch.sparse_coo_tensor(size=(3, 3)),
    }


@FILES.saved()
def nested_tensors() -> Any:
    parts = [torch.ones(2, 3), torch.zeros(4, 3)]
    return {
        "strided": torch.nested.nested_tensor(parts),
        "jagged": torch.nested.nested_tensor(parts, layout=torch.jagged),
    }


@FILES.saved()
def views_shared_storages_and_ties() -> Any:
    base = torch.arange(24.0).reshape(2, 3, 4)
    embedding = nn.Embedding(6, 4)
    head = nn.Linear(4, 6, bias=False)
    head.weight = embedding.weight
    return {
        "base": base,
        "transposed": base.permute(2, 0, 1),
        "strided": base[:, ::2, 1],
        "expanded": torch.ones(1).expand(3, 3),
        "image": torch.ones(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(3.0),
        "empty": torch.ones(0, 4),
        "embedding.weight": embedding.weight,
        "head.weight": head.weight,
    }


@FILES.saved()
def parameters_and_buffers() -> Any:
    parameter = nn.Parameter(torch.ones(3))
    parameter.note = "an attribute of its own"
    return {
        "plain": nn.Parameter(torch.ones(2), requires_grad=False),
        "with state": parameter,
        "buffer": nn.Buffer(torch.zeros(2)),
        "list": nn.ParameterList([torch.ones(2), torch.zeros(1)]),
        "dict": nn.ParameterDict({"a": torch.ones(2)}),
    }


@FILES.saved("warning")
def parameters_without_a_shape_yet() -> Any:
    return nn.LazyLinear(3)


@FILES.saved("warning")
def tensors_without_data() -> Any:
    return nn.Linear(3, 2).state_dict() | {"view": torch.ones(4, 4, device="meta")[1:]}


@FILES.saved()
def storages() -> Any:
    return {
        "typed": torch.FloatStorage([1.0, 2.0]),
        "untyped": torch.ones(4).untyped_storage(),
        "tensor": torch.ones(2),
    }


@FILES.saved()
def random_states() -> Any:
    generator = torch.Generator().manual_seed(3)
    return {"cpu": torch.get_rng_state(), "generator": generator.get_state()}


@FILES.saved()
def values_of_torch_beside_weights() -> Any:
    return {
        "weight": torch.ones(2),
        "device": torch.device("cuda:0"),
        "size": torch.ones(2, 3).shape,
        "packed": nn.utils.rnn.pack_sequence([torch.ones(3), torch.ones(2)]),
        "generator": torch.Generator().manual_seed(3),
    }


@FILES.saved("warning")
def data_beside_weights() -> Any:
    data = torch.utils.data.TensorDataset(torch.ones(4, 2), torch.zeros(4))
    return {"weight": torch.ones(2), "data": data, "part": torch.utils.data.Subset(data, [0, 2])}


class Labelled(torch.Tensor):
    """A subclass of Tensor that this file's author wrote."""


@FILES.saved("warning")
def a_subclass_of_tensor() -> Any:
    return {"weight": torch.ones(3).as_subclass(Labelled)}


@FILES.saved()
def a_checkpoint_within_a_checkpoint() -> Any:
    inner = io.BytesIO()
    torch.save(nn.Linear(3, 2).state_dict(), inner)
    return {"weight": torch.ones(2), "inner": inner.getvalue()}


@FILES.saved()
def a_bare_tensor() -> Any:
    return torch.arange(10.0)


@FILES.saved()
def a_training_checkpoint() -> Any:
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.25)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    scaler = torch.amp.GradScaler("cpu")
    net(torch.ones(2, 6)).sum().backward()
    optimizer.step()
    scheduler.step()
    average = torch.optim.swa_utils.AveragedModel(net)
    return {
        "epoch": 7,
        "best_accuracy": 0.5,
        "model": net.state_dict(),
        "ema": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "scaler": scaler.state_dict(),
        "rng": torch.get_rng_state(),
    }
