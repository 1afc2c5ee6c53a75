"""Networks from a state_dict's names and shapes alone: models whose names are known, and chains.

A state_dict records neither order of execution nor additions, branches or activations. Only what
names and shapes agree on is built; anything else gives the reason why not.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from modlint.analysis.quantisation import logical_by_names
from modlint.builder import NOTHING_STATED, Built, Stated
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.network import Network, Unplaced
from modlint_plugins.networks.names.adapters import rebuild_adapters
from modlint_plugins.networks.names.assembly import rebuild
from modlint_plugins.networks.names.families.match import rebuild_families
from modlint_plugins.networks.names.modules import is_layer_weight, is_matrix
from modlint_plugins.networks.names.recurrent import rebuild_recurrent
from modlint_plugins.networks.names.split import split_coders, split_networks
from modlint_plugins.networks.names.stated import rebuild_as_stated
from modlint_plugins.networks.unique import unique


class NamesBuilder:
    """Rebuilds models whose names are known, and fully connected and plain convolutional chains.

    Values are never read.
    """

    name = "names"
    description = "known models and chains of layers, from a state_dict's names and shapes"
    rank = 20

    def build(self, checkpoint: Checkpoint, stated: Stated = NOTHING_STATED) -> Built | None:
        """Networks, or the reason why there are none, for each state_dict in the file.

        Args:
            checkpoint: any that is no graph of its own: ONNX has its own builder.
            stated: what config.json and the user say of it.
        """
        if checkpoint.graph is not None:
            return None
        adapters = rebuild_adapters(checkpoint)
        if adapters is not None:
            return adapters
        sections = _sections(checkpoint)
        if not sections:
            return Built((Network("0", reason="the file holds no weight matrices"),))
        sorted_by_name = checkpoint.format == "safetensors"
        found = [
            _build_section(section, tensors, sorted_by_name, len(sections) > 1, stated)
            for section, tensors in sections.items()
        ]
        return _merged(found)


def _merged(found: Iterable[Built]) -> Built:
    """All networks under ids of their own."""
    found = list(found)
    networks = [network for built in found for network in built.networks]
    ids = unique([network.id for network in networks])
    return Built(
        tuple(replace(n, id=name) for n, name in zip(networks, ids, strict=True)),
        tuple(missing for built in found for missing in built.unplaced),
    )


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
    section: str, tensors: list[Tensor], sorted_by_name: bool, qualified: bool, stated: Stated
) -> Built:
    sorted_by_name = sorted_by_name or _is_sorted(tensors)
    if stated.edges:
        return rebuild_as_stated(section or "0", tensors, stated.edges)
    if stated.order == "as-stored":
        return _rebuild(section or "0", tensors, sorted_by_name, stated)
    for rebuild_known in (rebuild_families, rebuild_recurrent):
        known = rebuild_known(section or "0", tensors, stated.config)
        if known is not None:
            return known
    prefix = f"{section}." if qualified and section else ""
    split = split_networks(tensors)
    if not split:
        whole = _rebuild(section or "0", tensors, sorted_by_name, stated)
        split = split_coders(tensors) if not _is_rebuilt(whole) else {}
        if not split:
            return whole
    return _merged(
        _rebuild(prefix + name, own, sorted_by_name, stated) for name, own in split.items()
    )


def _rebuild(identifier: str, tensors: list[Tensor], sorted_by_name: bool, stated: Stated) -> Built:
    """One chain, or the reason why it is none, for each of its weights too."""
    confirmed = stated.order == "as-stored"
    whole = rebuild(identifier, tensors, sorted_by_name, confirmed)
    if _is_rebuilt(whole):
        return whole
    reason = str(whole.networks[0].reason)
    return Built(whole.networks, tuple(Unplaced(t.name, reason) for t in tensors if is_matrix(t)))


def _is_rebuilt(built: Built) -> bool:
    return all(network.reason is None for network in built.networks)


def _is_sorted(tensors: list[Tensor]) -> bool:
    keys = [tensor.key for tensor in tensors]
    return keys == sorted(keys)
