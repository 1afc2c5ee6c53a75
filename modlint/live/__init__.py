"""What is in memory as modlint sees a checkpoint: a module's tensors, or a mapping's.

Nothing is copied: storages read the memory that the tensors lie in, so that what changes there
before the examination ends changes what is examined. Neither torch nor numpy is imported for
objects of the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Remark, SparseTensor, Storage, Tensor
from modlint.live.memory import Composite

NAME = "in memory"
"""What stands where a file's path would."""

_DEEPEST = 64
_WEIGHTS_ALONE = "give the mapping of the weights alone"


def is_array(value: object) -> bool:
    """Whether it is a tensor of torch's, an array of NumPy's, or converts itself to one."""
    return _is_torch_tensor(value) or hasattr(type(value), "__array__")


def _is_torch_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_module(subject: object) -> bool:
    """Whether it is a `torch.nn.Module`."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(subject, torch.nn.Module)


def checkpoint_of(subject: Any) -> Checkpoint:
    """A module, or a mapping of names to tensors or arrays, as a checkpoint.

    A module's tensors are those of its state_dict. A mapping within a mapping is named as in a
    file: by dots. Numbers and strings beside the tensors become metadata.

    Raises:
        TypeError: it is neither, or the mapping holds something else.
        ValueError: it holds no tensor, or two of one name.
    """
    if is_module(subject):
        return _of_module(subject)
    if isinstance(subject, Mapping):
        return _of_mapping(subject)
    raise TypeError(f"a {type(subject).__name__} is no module and no mapping of tensors")


def _of_module(module: Any) -> Checkpoint:
    reader, remarks = _Reader(), []
    for name, value in module.state_dict(keep_vars=True).items():
        if is_array(value):
            reader.add(name, value)
        else:
            remarks.append(Remark("extra-state", f"{name} is no tensor: it was not examined"))
    if not reader.tensors:
        kind = type(module).__name__
        raise ValueError(f"{kind} has no parameters and no buffers: there is nothing to check")
    return replace(reader.checkpoint("module"), remarks=tuple(remarks))


def _of_mapping(mapping: Mapping[Any, Any]) -> Checkpoint:
    reader, metadata = _Reader(), {}
    for name, section, value in _leaves(mapping, "", None):
        if is_array(value):
            reader.add(name, value, section or "")
        else:
            metadata[name] = value
    if not reader.tensors:
        raise ValueError(f"the {type(mapping).__name__} holds no tensor: there is nothing to check")
    return replace(reader.checkpoint("mapping"), metadata=metadata)


class _Reader:
    """Gathers tensors; storages that are one in memory become one."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._sparse: list[SparseTensor] = []
        self._storages: dict[object, Storage] = {}

    def add(self, name: str, value: Any, section: str = "") -> None:
        """Add a tensor, or the parts that it is made of."""
        whole = _read(name, value, self._storages)
        if isinstance(whole, Tensor):
            if name in self.tensors:
                raise ValueError(f"two tensors are called {name!r}: rename one")
            self.tensors[name] = replace(whole, section=section)
            return
        names = {key: f"{name}.{key}" for key in whole.parts}
        for key, part in whole.parts.items():
            self.add(names[key], part, section)
        self._sparse.append(SparseTensor(name, whole.layout, whole.size, names))

    def checkpoint(self, format: str) -> Checkpoint:
        """What was gathered; its size is that of the memory."""
        storages = {tensor.storage for tensor in self.tensors.values()}
        return Checkpoint(
            Path(NAME),
            format,
            sum(storage.nbytes for storage in storages),
            tensors=self.tensors,
            sparse=tuple(self._sparse),
        )


def _read(name: str, value: Any, storages: dict[object, Storage]) -> Tensor | Composite:
    if _is_torch_tensor(value):
        from modlint.live import torch_tensors

        return torch_tensors.read(name, value, storages)
    from modlint.live import numpy_arrays

    return numpy_arrays.read(name, value, storages)


def _leaves(
    mapping: Mapping[Any, Any], prefix: str, section: str | None
) -> Iterator[tuple[str, str | None, Any]]:
    """Names, the section that each is in, and values; a mapping of tensors begins a section."""
    if prefix.count(".") > _DEEPEST:
        raise ValueError(f"{prefix[:80]!r}: more than {_DEEPEST} mappings within one another")
    if section is None and any(map(is_array, mapping.values())):
        section = prefix.removesuffix(".")
    for key, value in mapping.items():
        if not isinstance(key, str):
            where = f"a key of {prefix[:-1]!r}" if prefix else "a key"
            raise TypeError(f"{where} is {key!r}, not a string: {_WEIGHTS_ALONE}")
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.", section)
        elif is_array(value) or value is None or isinstance(value, str | int | float):
            yield name, section, value
        else:
            kind = type(value).__name__
            raise TypeError(f"{name!r} is a {kind}, not a tensor or an array: {_WEIGHTS_ALONE}")
