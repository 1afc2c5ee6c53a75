"""The blocks of a transformer, each a network of its own, where names and shapes tell them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from modlint.checkpoint import Tensor
from modlint.network import Network
from modlint.text import count, listed
from modlint_plugins.networks.names.modules import is_layer_weight
from modlint_plugins.networks.names.transformers.match import find_blocks
from modlint_plugins.networks.names.transformers.network import block_network

_BLOCKS_ALONE = "of such a model modlint rebuilds the blocks alone, so far"


def rebuild_blocks(identifier: str, tensors: Sequence[Tensor], prefix: str) -> list[Network]:
    """One network for each block that is known beyond doubt; [] where none is.

    Weights outside of them, embeddings or blocks of other kinds, are told of by a last entry
    that is no network.

    Args:
        identifier: the id of the whole.
        tensors: parameters and buffers of one state_dict.
        prefix: of the blocks' ids, "" or ending in a dot.
    """
    blocks = find_blocks(tensors)
    ids = [prefix + block.path if block.path else identifier for block in blocks]
    networks = [replace(block_network(b), id=name) for b, name in zip(blocks, ids, strict=True)]
    reached = frozenset[str]().union(*(network.tensors for network in networks))
    outside = [t.key for t in tensors if _is_weight(t) and t.name not in reached]
    if not networks or not outside:
        return networks
    amount = count(len(networks), "transformer block")
    reason = f"the networks of {amount} leave out {listed(outside)}; {_BLOCKS_ALONE}"
    return [*networks, Network(identifier, reason=reason)]


def _is_weight(tensor: Tensor) -> bool:
    return is_layer_weight(tensor) or len(tensor.shape) == 2
