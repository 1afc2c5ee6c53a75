"""How the tests of PyTorch's formats read files, and compare them with torch's own reading."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from modlint.checkpoint import Checkpoint, Tensor
from modlint.engine.load import load
from modlint.source import open_source
from modlint_plugins.readers import modlint_readers
from modlint_plugins.readers.torch.legacy import TorchLegacyReader
from modlint_plugins.readers.torch.plain_pickle import PlainPickleReader
from modlint_plugins.readers.torch.zip import TorchZipReader

READERS = (TorchZipReader(), TorchLegacyReader(), PlainPickleReader())

Read = Callable[[Path], Checkpoint]
Compare = Callable[[Checkpoint, Any], None]


def flattened(value: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors in nested dicts, lists and tuples, by dotted path."""
    if isinstance(value, torch.Tensor):
        yield name or "tensor", value.detach()
    elif isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from flattened(item, f"{name}.{key}" if name else str(key))


def elements(tensor: Tensor) -> bytes:
    """The elements in row-major order, gathered without torch's help."""
    data = tensor.storage.read()
    width = tensor.dtype.bits // 8
    if tensor.contiguous:
        first = width * tensor.storage_offset
        return bytes(data[first : first + width * tensor.elements])
    offsets = [tensor.storage_offset]
    for size, stride in zip(tensor.shape, tensor.strides, strict=True):
        offsets = [offset + index * stride for offset in offsets for index in range(size)]
    return b"".join(bytes(data[width * o : width * (o + 1)]) for o in offsets)


def raw(tensor: torch.Tensor) -> bytes:
    """The elements in row-major order."""
    dense = torch.empty(tensor.shape, dtype=tensor.dtype)
    if not dense.numel():
        return b""
    dense.copy_(tensor)
    return dense.reshape(-1).view(torch.uint8).numpy().tobytes()


def _read(path: Path) -> Checkpoint:
    source = open_source(path)
    (reader,) = (reader for reader in READERS if reader.sniff(source))
    return reader.read(source)


def _compare(checkpoint: Checkpoint, value: Any) -> None:
    theirs = dict(flattened(value))
    assert list(checkpoint.tensors) == list(theirs)
    for name, tensor in checkpoint.tensors.items():
        expected = theirs[name]
        assert f"torch.{tensor.dtype.name}" == str(expected.dtype), name
        assert tensor.shape == tuple(expected.shape), name
        assert tensor.strides == expected.stride(), name
        assert tensor.storage_offset == expected.storage_offset(), name
        assert elements(tensor) == raw(expected), name


@pytest.fixture
def read() -> Read:
    """Read a file with the one reader that claims it."""
    return _read


@pytest.fixture
def assert_same_tensors() -> Compare:
    """Names, types, shapes, strides and bytes are those of torch's tensors."""
    return _compare


@pytest.fixture
def load_any() -> Read:
    """Read a file with the one of all readers that claims it."""

    def load_one(path: Path) -> Checkpoint:
        (checkpoint,) = load(path, tuple(modlint_readers()))
        return checkpoint

    return load_one


class Hostile:
    """Calls a function when unpickled by anything but modlint."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("exit 1",)


@pytest.fixture
def hostile() -> object:
    """An object whose pickle calls os.system."""
    return Hostile()


@pytest.fixture
def assert_same_elements() -> Compare:
    """Names, types, shapes and elements are those of torch's tensors; layouts may differ."""

    def compare(checkpoint: Checkpoint, value: Any) -> None:
        theirs = dict(flattened(value))
        assert set(checkpoint.tensors) == set(theirs)
        for name, tensor in checkpoint.tensors.items():
            assert f"torch.{tensor.dtype.name}" == str(theirs[name].dtype), name
            assert tensor.shape == tuple(theirs[name].shape), name
            assert elements(tensor) == raw(theirs[name]), name

    return compare
