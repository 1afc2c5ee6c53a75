"""What a loader makes of a file and what modlint makes of it, in a form that can be compared.

Both are names with an element type, a shape and the elements' bytes in row-major order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from modlint.checkpoint import Checkpoint, Tensor

Seen = Mapping[str, tuple[str, tuple[int, ...], bytes]]
"""From names to element type, shape and bytes."""

_SPARSE = {
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


@dataclass
class Theirs:
    """The tensors in what a loader returned.

    Attributes:
        tensors: by path through dicts, lists, tuples and modules, joined by dots.
        objects: paths to instances, in which there may be further tensors.
    """

    tensors: dict[str, tuple[str, tuple[int, ...], bytes]] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    _open: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, value: Any) -> Theirs:
        """Walk what a loader returned."""
        theirs = cls()
        theirs._visit(value, "")
        return theirs

    def _visit(self, value: Any, name: str) -> None:
        if isinstance(value, torch.Tensor | np.ndarray):
            self._add(value, name)
        elif isinstance(value, dict | list | tuple | set | frozenset | nn.Module):
            if id(value) not in self._open:
                self._open.add(id(value))
                self._enter(value, f"{name}." if name else "")
                self._open.discard(id(value))
        elif not isinstance(value, str | bytes | int | float | complex | None):
            self.objects.add(name)

    def _enter(self, value: Any, prefix: str) -> None:
        if isinstance(value, nn.Module):
            self.objects.add(prefix.rstrip("."))
            buffers = dict(value.named_buffers(remove_duplicate=False))
            value = dict(value.named_parameters(remove_duplicate=False)) | buffers
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            self._visit(item, f"{prefix}{key}")

    def _add(self, value: torch.Tensor | np.ndarray[Any, Any], name: str) -> None:
        if isinstance(value, np.ndarray):
            if type(value) is np.ndarray and value.dtype.kind in "fiubc":
                native = value.astype(value.dtype.newbyteorder("="))
                self.tensors[name] = (str(native.dtype), native.shape, native.tobytes())
            else:
                self.objects.add(name)
            return
        if value.is_meta:
            return
        if type(value) not in (torch.Tensor, nn.Parameter) or value.is_nested:
            self.objects.add(name)
            return
        for part, tensor in parts(value.detach()):
            self.tensors[f"{name}{part}" or "tensor"] = (
                str(tensor.dtype).removeprefix("torch."),
                tuple(tensor.shape),
                torch_bytes(tensor),
            )


def parts(tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """A dense tensor itself; of a sparse or quantised one what it consists of."""
    if tensor.layout in _SPARSE:
        for method in _SPARSE[tensor.layout]:
            yield f".{method.lstrip('_')}", getattr(tensor, method)()
        return
    yield "", tensor
    if tensor.is_quantized and tensor.qscheme() == torch.per_channel_affine:
        yield ".scales", tensor.q_per_channel_scales()
        yield ".zero_points", tensor.q_per_channel_zero_points()


def torch_bytes(tensor: torch.Tensor) -> bytes:
    """The elements in row-major order, as they are stored."""
    tensor = tensor.int_repr() if tensor.is_quantized else tensor
    tensor = tensor.conj() if tensor.is_conj() else tensor
    tensor = torch._neg_view(tensor) if tensor.is_neg() else tensor
    if not tensor.numel():
        return b""
    dense = tensor.contiguous().as_strided((tensor.numel(),), (1,))
    return bytes(dense.view(torch.uint8).numpy().tobytes())


def ours(checkpoint: Checkpoint) -> Seen:
    """The tensors that modlint found."""
    return {
        name: (tensor.dtype.name, tensor.shape, stored_bytes(tensor))
        for name, tensor in checkpoint.tensors.items()
    }


def stored_bytes(tensor: Tensor) -> bytes:
    """The elements in row-major order, gathered without torch's help."""
    data = tensor.storage.read()
    first = tensor.storage_offset * tensor.dtype.bits // 8
    if tensor.contiguous:
        return bytes(data[first : first + tensor.nbytes])
    width = tensor.dtype.bits // 8
    steps = tuple(width * stride for stride in tensor.strides)
    elements = np.ndarray((*tensor.shape, width), np.uint8, data, first, (*steps, 1), order="C")
    return elements.tobytes()


def differences(theirs: Theirs, seen: Seen) -> list[str]:
    """What a loader and modlint do not agree on, a line each."""
    told = [
        f"{name}: theirs {theirs.tensors[name][:2]}, ours {seen[name][:2] if name in seen else ''}"
        for name in theirs.tensors
        if seen.get(name) != theirs.tensors[name]
    ]
    told += [
        f"{name}: only modlint finds it"
        for name in seen.keys() - theirs.tensors.keys()
        if not any(within(name, place) for place in theirs.objects)
    ]
    return told


def within(name: str, place: str) -> bool:
    """Whether a path leads through an instance."""
    return not place or name == place or name.startswith(f"{place}.")
