"""Networks from a state_dict's names and shapes alone: plain chains of layers, transformer blocks.

A state_dict records neither order of execution nor additions, branches or activations. Only what
names and shapes agree on is built; anything else gives the reason why not.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from modlint.analysis.quantisation import logical_by_names
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.network import Network
from modlint_plugins.networks.names.assembly import rebuild
from modlint_plugins.networks.names.modules import is_layer_weight, is_matrix
from modlint_plugins.networks.names.split import split_coders, split_networks
from modlint_plugins.networks.names.transformers import rebuild_blocks
from modlint_plugins.networks.unique import unique


class NamesBuilder:
    """Rebuilds fully connected and plain convolutional chains, and transformer blocks.

    Values are never read.
    """

    name = "names"
    description = "chains of layers and transformer blocks, from a state_dict's names and shapes"
    rank = 20

    def build(self, checkpoint: Checkpoint) -> Sequence[Network] | None:
        """Networks, or the reason why there are none, for each state_dict in the file.

        Args:
            checkpoint: any that is no graph of its own: ONNX has its own builder.
        """
        if checkpoint.graph is not None:
            return None
        sections = _sections(checkpoint)
        if not sections:
            return (Network("0", reason="the file holds no weight matrices"),)
        sorted_by_name = checkpoint.format == "safetensors"
        networks = [
            network
            for section, tensors in sections.items()
            for network in _build_section(section, tensors, sorted_by_name, len(sections) > 1)
        ]
        ids = unique([network.id for network in networks])
        return tuple(replace(n, id=name) for n, name in zip(networks, ids, strict=True))


def _sections(checkpoint: Checkpoint) -> dict[str, list[Tensor]]:
    """Weights by section: those with layers; where none has, those with matrices."""
    sections: dict[str, list[Tensor]] = {}
    for tensor in logical_by_names(checkpoint).values():
        if tensor.role is Role.WEIGHT:
            sections.setdefault(tensor.section, []).append(tensor)
    for test in (is_layer_weight, is_matrix):
        found = {name: tensors for name, tensors in sections.items() if any(map(test, tensors))}
        if found:
            return found
    return {}


def _build_section(
    section: str, tensors: list[Tensor], sorted_by_name: bool, qualified: bool
) -> list[Network]:
    sorted_by_name = sorted_by_name or _is_sorted(tensors)
    prefix = f"{section}." if qualified and section else ""
    split = split_networks(tensors)
    if not split:
        whole = _rebuild(section or "0", tensors, sorted_by_name, prefix)
        split = split_coders(tensors) if whole[0].reason is not None else {}
        if not split:
            return whole
    return [
        network
        for name, own in split.items()
        for network in _rebuild(prefix + name, own, sorted_by_name, prefix)
    ]


def _rebuild(
    identifier: str, tensors: list[Tensor], sorted_by_name: bool, prefix: str
) -> list[Network]:
    """One chain; where it is none its transformer blocks; where it has none the reason."""
    whole = rebuild(identifier, tensors, sorted_by_name)
    if whole.reason is None:
        return [whole]
    return rebuild_blocks(identifier, tensors, prefix) or [whole]


def _is_sorted(tensors: list[Tensor]) -> bool:
    keys = [tensor.key for tensor in tensors]
    return keys == sorted(keys)
