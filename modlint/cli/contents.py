"""What `modlint inspect` shows of a file, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from modlint.checkpoint import Checkpoint, Status, Tensor
from modlint.json_text import json_text
from modlint.network import Layer, Network
from modlint.secret_texts import masked, masked_value
from modlint.text import count, file_size, printable
from modlint.verdict import Confidence

_LONGEST_NAME = 60
_LONGEST_VALUE = 200


class TensorContents(msgspec.Struct, frozen=True):
    """A tensor, as the JSON contract names its facts; `bytes` are those of its elements."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    member: str | None
    offset: int | None

    @classmethod
    def of(cls, tensor: Tensor) -> TensorContents:
        """Summarise a tensor."""
        member = tensor.storage.member
        return cls(
            tensor.name, tensor.dtype.name, tensor.shape, tensor.nbytes, member, tensor.offset
        )


class LayerContents(msgspec.Struct, frozen=True):
    """A layer, as the JSON contract names its facts; `neurons` are those that it drives."""

    name: str
    kind: str
    shape: tuple[int, ...]
    inputs: tuple[str, ...]
    neurons: int
    tensors: tuple[str, ...]
    activation: str | None

    @classmethod
    def of(cls, layer: Layer, network: Network) -> LayerContents:
        """Summarise a layer."""
        neurons = network.group(layer.target).size
        return cls(
            layer.name,
            layer.kind,
            layer.shape,
            layer.inputs,
            neurons,
            layer.tensors,
            layer.activation,
        )


class NetworkContents(msgspec.Struct, frozen=True):
    """A network with its layers, or the reason why there is none."""

    id: str
    source: str | None
    confidence: Confidence | None
    neurons: int
    connections: int
    reason: str | None
    layers: tuple[LayerContents, ...]

    @classmethod
    def of(cls, network: Network) -> NetworkContents:
        """Summarise a network."""
        return cls(
            network.id,
            network.source,
            network.confidence,
            network.neurons,
            network.connections,
            network.reason,
            tuple(LayerContents.of(layer, network) for layer in network.layers),
        )


class Contents(msgspec.Struct, frozen=True):
    """Everything in a file, inert."""

    path: str
    status: Status
    format: str
    bytes: int
    parameters: int
    metadata: Mapping[str, Any]
    remarks: tuple[str, ...]
    faults: tuple[str, ...]
    tensors: tuple[TensorContents, ...]
    networks: tuple[NetworkContents, ...]

    @classmethod
    def of(cls, checkpoint: Checkpoint, networks: Sequence[Network]) -> Contents:
        """Summarise a checkpoint and its networks."""
        return cls(
            str(checkpoint.path),
            checkpoint.status,
            checkpoint.format,
            checkpoint.nbytes,
            checkpoint.parameters,
            {masked(str(key)): masked_value(held) for key, held in checkpoint.metadata.items()},
            tuple(masked(remark.message) for remark in checkpoint.remarks),
            tuple(masked(fault.message) for fault in checkpoint.faults),
            tuple(TensorContents.of(tensor) for tensor in checkpoint.tensors.values()),
            tuple(NetworkContents.of(network) for network in networks),
        )

    @classmethod
    def merged(cls, found: Iterable[Contents]) -> Contents:
        """The contents of a file that is several containers at once."""
        first, *others = found
        for other in others:
            first = cls(
                first.path,
                first.status,
                f"{first.format}+{other.format}",
                first.bytes,
                first.parameters + other.parameters,
                {**other.metadata, **first.metadata},
                first.remarks + other.remarks,
                first.faults + other.faults,
                first.tensors + other.tensors,
                first.networks + other.networks,
            )
        return first

    def to_json(self) -> str:
        """The contents as indented JSON; what JSON cannot hold is shown as Python spells it."""
        return json_text(self)


class FolderContents(msgspec.Struct, frozen=True):
    """The contents of the files in a folder."""

    path: str
    files: tuple[Contents, ...]

    def to_json(self) -> str:
        """The contents as indented JSON."""
        return json_text(self)


def describe_folder(folder: FolderContents) -> str:
    """The contents of each file as plain text, one after the other."""
    if not folder.files:
        return f"{printable(folder.path)}\n  holds no checkpoint\n"
    return "\n".join(map(describe, folder.files))


def describe(contents: Contents) -> str:
    """The contents as plain text: header, networks as trees, tensors, metadata; no secrets."""
    lines = [
        printable(contents.path),
        f"  {contents.format}, {file_size(contents.bytes)}, "
        f"{count(len(contents.tensors), 'tensor')}, {count(contents.parameters, 'parameter')}",
    ]
    if contents.status is not Status.CHECKED:
        lines.append(f"  status: {contents.status}")
    lines += [f"  cannot be read: {printable(fault)}" for fault in contents.faults]
    lines += [f"  remark: {printable(remark)}" for remark in contents.remarks]
    for network in contents.networks:
        lines += _network_lines(network)
    lines += _tensor_lines(contents.tensors)
    if contents.metadata:
        lines += ["", "metadata"]
        lines += [
            f"  {printable(str(key))} = {printable(str(value), _LONGEST_VALUE)}"
            for key, value in contents.metadata.items()
        ]
    return masked("\n".join(lines) + "\n")


def _network_lines(network: NetworkContents) -> list[str]:
    title = f"network {printable(network.id)}"
    if network.reason is not None:
        return ["", f"{title}: none, {printable(network.reason)}"]
    lines = [
        "",
        f"{title}: from {network.source}, confidence {network.confidence}, "
        f"{count(network.neurons, 'neuron')}, {count(network.connections, 'connection')}",
    ]
    for index, layer in enumerate(network.layers):
        branch = "└─" if index == len(network.layers) - 1 else "├─"
        shape = "×".join(map(str, layer.shape))
        activation = f", {layer.activation}" if layer.activation else ""
        inputs = ", ".join(map(printable, layer.inputs)) or "input"
        lines.append(
            f"  {branch} {printable(layer.name)}  {layer.kind} {shape}{activation}, "
            f"{count(layer.neurons, 'neuron')}, from {inputs}"
        )
    return lines


def _tensor_lines(tensors: Sequence[TensorContents]) -> list[str]:
    if not tensors:
        return []
    names = [printable(tensor.name) for tensor in tensors]
    shapes = ["×".join(map(str, tensor.shape)) or "scalar" for tensor in tensors]
    width = min(max(map(len, names)), _LONGEST_NAME)
    dtype = max(10, *(len(tensor.dtype) for tensor in tensors))
    wide = max(16, *map(len, shapes))
    lines = ["", "tensors"]
    for name, shape, tensor in zip(names, shapes, tensors, strict=True):
        if len(name) > width:  # on a line of its own, so that the columns stay
            lines.append(f"  {name}")
            name = ""
        columns = f"{tensor.dtype:<{dtype}}  {shape:<{wide}}  {file_size(tensor.bytes)}"
        lines.append(f"  {name:<{width}}  {columns}")
    return lines
