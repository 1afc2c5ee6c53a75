"""What `modlint inspect` shows of a file, as text."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Status
from modlint.contents import Contents, NetworkContents, TensorContents
from modlint.text import count, file_size, printable


def describe(contents: Contents) -> str:
    """The contents as plain text: header, networks as trees, tensors, metadata."""
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
            f"  {printable(str(key))} = {printable(str(value))[:200]}"
            for key, value in contents.metadata.items()
        ]
    return "\n".join(lines) + "\n"


def _network_lines(network: NetworkContents) -> list[str]:
    title = f"network {printable(network.id)}"
    if network.reason is not None:
        return ["", f"{title}: none, {printable(network.reason)}"]
    lines = ["", f"{title}: {network.summary}"]
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
    width = min(max(map(len, names)), 60)
    lines = ["", "tensors"]
    for name, tensor in zip(names, tensors, strict=True):
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        lines.append(
            f"  {name:<{width}}  {tensor.dtype:<10}  {shape:<16}  {file_size(tensor.bytes)}"
        )
    return lines
