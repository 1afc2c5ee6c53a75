"""Which network, and which tensor, of one file stands for which of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modlint.checkpoint import Checkpoint, Tensor
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.text import count


def counterpart(
    network: Network, networks: Sequence[Network], others: Sequence[Network]
) -> Network:
    """The network of the same id in a reference; where each file has but one, that one.

    Args:
        network: was rebuilt.
        networks: all of its file.
        others: those of the reference.

    Raises:
        Unavailable: there is none, it was not rebuilt, or its architecture differs.
    """
    alone = len(networks) == len(others) == 1
    found = next((other for other in others if alone or other.id == network.id), None)
    if found is None:
        raise Unavailable(f"the baseline has no network {network.id!r}")
    if found.reason is not None:
        raise Unavailable(f"the baseline's network could not be rebuilt: {found.reason}")
    if difference := _difference(network, found):
        raise Unavailable(f"the baseline's architecture differs: {difference}")
    return found


def _difference(network: Network, other: Network) -> str | None:
    """How many neurons stand where, and how many edges join them, told where they differ."""
    if len(network.groups) != len(other.groups):
        groups = count(len(other.groups), "group")
        return f"{groups} of neurons, here {len(network.groups)}"
    for here, there in zip(network.groups, other.groups, strict=True):
        if here.size != there.size:
            return f"{count(there.size, 'neuron')} in {there.name!r}, here {here.size:,}"
    if network.connections != other.connections:
        return f"{count(other.connections, 'connection')}, here {network.connections:,}"
    return None


def tensor_pairs(checkpoint: Checkpoint, reference: Checkpoint) -> Iterator[tuple[Tensor, Tensor]]:
    """Tensors of one name and shape in a file and its reference, in the file's order.

    Where a name is not in the reference the name within its section tells, if it is the only one
    of its kind there ("state_dict.fc.weight" beside "fc.weight").
    """
    keys: dict[str, Tensor | None] = {}
    for tensor in reference.tensors.values():
        keys[tensor.key] = None if tensor.key in keys else tensor
    for tensor in checkpoint.tensors.values():
        found = reference.tensors.get(tensor.name) or keys.get(tensor.key)
        if found is not None and found.shape == tensor.shape and found.role is tensor.role:
            yield tensor, found
