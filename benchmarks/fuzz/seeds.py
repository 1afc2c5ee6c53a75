"""Real files to mutate: those that the libraries write here, and any that a folder holds."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save

LARGEST = 1 << 20
"""Bytes of the largest file of a folder that is mutated: what is larger is slow, not stranger."""


def seed_files(folders: list[Path]) -> dict[str, bytes]:
    """Content by name: the files written here, then those of the folders, in a stable order."""
    files = dict(_written())
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and 0 < path.stat().st_size <= LARGEST:
                files[f"{folder.name}/{path.relative_to(folder)}"] = path.read_bytes()
    return files


def _written() -> Iterator[tuple[str, bytes]]:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Linear(3, 2)
    )
    state = net.state_dict()
    optimiser = torch.optim.Adam(net.parameters()).state_dict()
    training = {"model": state, "optimizer": optimiser, "epoch": 3, "half": torch.ones(2).half()}
    with warnings.catch_warnings(action="ignore"):  # quantised tensors are deprecated
        quantised = torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.quint8)
    sparse = {"s": torch.eye(3).to_sparse(), "q": quantised}
    for name, value in {"state": state, "training": training, "net": net, "parts": sparse}.items():
        yield f"{name}.pt", _saved(value, zipped=True)
        yield f"{name}_legacy.pt", _saved(value, zipped=False)
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.float32(3), "c": [1, "two", {3, 4}]}
    for protocol in range(6):
        yield f"arrays{protocol}.pkl", pickle.dumps(arrays, protocol)
    yield "scripted.pt", _scripted(net)
    yield "state.safetensors", save(dict(state), {"format": "pt"})
    yield "half.safetensors", save({"h": torch.ones(3, 5).half(), "b": torch.ones(2).bfloat16()})
    yield "net.onnx", _onnx().SerializeToString()
    yield "arrays.npz", _npz()
    yield "objects.npy", _npy()
    yield "state.pt.gz", gzip.compress(_saved(state, zipped=True), mtime=0)
    yield "bundle.tar", _tar(_saved(state, zipped=True))
    yield "policy.zip", _bundle(_saved(state, zipped=True))


def _saved(value: Any, *, zipped: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def _scripted(net: torch.nn.Module) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        torch.jit.save(torch.jit.trace(net, torch.ones(1, 1, 3, 5)), buffer)
    return buffer.getvalue()


def _onnx() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=4), "v": rng.normal(size=(2, 4))}
    tensors = [numpy_helper.from_array(a.astype(np.float32), n) for n, a in arrays.items()]
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "v"], ["y"], transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.arange(6.0), b=np.ones((2, 2), np.float16))
    return buffer.getvalue()


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("model/state.pt")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _bundle(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", '{"policy_class": {}}')
        archive.writestr("policy.pth", content)
        archive.writestr("_stable_baselines3_version", "2.3.0")
    return buffer.getvalue()
