"""From a chain of layers and its norms to a network."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.builder import Built
from modlint.checkpoint import Tensor
from modlint.network import Network
from modlint.text import listed
from modlint.verdict import Confidence
from modlint_plugins.networks.flow import layouts
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.nodes import Weighted
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer
from modlint_plugins.networks.names.blocks import find_residual_blocks
from modlint_plugins.networks.names.chain import Contradiction, Link
from modlint_plugins.networks.names.confidence import chain_confidence
from modlint_plugins.networks.names.modules import Modules, sort_modules
from modlint_plugins.networks.names.norms import Placement, Unfitting, place_norms
from modlint_plugins.networks.names.obstacles import EXPORT, find_obstacle
from modlint_plugins.networks.names.order import Chain, arrange

_CHAIN = "read as one chain of layers; a state_dict does not record additions or branches"
_NORMS = (
    "norms are taken to stand between their layer and its activation, behind it where the numbers "
    "of an nn.Sequential leave a gap, with PyTorch's default epsilon of 1e-5"
)


def rebuild(
    identifier: str, tensors: Sequence[Tensor], sorted_by_name: bool, confirmed: bool = False
) -> Built:
    """The network of a state_dict's tensors, or the reason why names and shapes give none.

    Args:
        identifier: the network's id.
        tensors: parameters and buffers, in the file's order.
        sorted_by_name: the file's order is that of the names, it says nothing.
        confirmed: the user says that it is a chain in the file's order.
    """
    modules = sort_modules(tensors)
    reason = (None if confirmed else find_obstacle(tensors)) or _unexplained(modules)
    if reason is not None:
        return _none(identifier, reason)
    try:
        chain = arrange(modules.layers, sorted_by_name and not confirmed)
        placements = place_norms(modules.norms, chain.links)
    except Contradiction as contradiction:
        return _none(identifier, f"the layers are no plain chain: {contradiction}; {EXPORT}")
    except Unfitting as unfitting:
        return _none(identifier, f"{unfitting}; {EXPORT}")
    block = None if confirmed else find_residual_blocks(chain.links)
    if block is not None:
        reason = (
            f"the repeated block {block} gives as many neurons as it takes and may add its "
            f"input to its output, which names and shapes do not tell; {EXPORT}"
        )
        return _none(identifier, reason)
    confidence = Confidence.HIGH if confirmed else chain_confidence(chain, modules)
    remarks = _remarks(chain, modules, confirmed)
    return _network(identifier, chain.links, placements, confidence, remarks)


def _none(identifier: str, reason: str) -> Built:
    return Built((Network(identifier, reason=reason),))


def _unexplained(modules: Modules) -> str | None:
    if not modules.layers:
        names = listed(t.key for t in modules.unexplained or modules.spare)
        return f"no tensor has the name and the shape of a layer's weight: {names}"
    if modules.unexplained:
        names = listed(tensor.key for tensor in modules.unexplained)
        return f"it holds tensors that no plain layer has: {names}; {EXPORT}"
    return None


def _network(
    identifier: str,
    links: Sequence[Link],
    placements: Sequence[Placement],
    confidence: Confidence,
    remarks: Sequence[str],
) -> Built:
    """The chain, traced; behind every layer stands an activation that is not known."""
    tracer = Tracer()
    x = tracer.input("input", (1, links[0].inputs, 1))
    for link, placement in zip(links, placements, strict=False):
        x = tracer.activation("unknown", _through(tracer, x, link, placement, confidence))
    for norm in placements[-1].before:
        x = tracer.norm(norm.tensors, x, 1)
    tracer.output(x)
    return network_of(tracer, identifier, "names", remarks=remarks)


def _through(
    tracer: Tracer, x: Traced, link: Link, placement: Placement, confidence: Confidence
) -> Traced:
    """One layer with the norms around it; channels lie along axis 1, positions along axis 2."""
    before = [norm for norm in placement.before if norm.size == x.shape[1]]
    for norm in before:
        x = tracer.norm(norm.tensors, x, 1)
    if link.columns_per_unit > 1:
        x = _flattened(tracer, x, link.columns_per_unit)
    for norm in placement.before:
        if norm not in before:
            x = tracer.norm(norm.tensors, x, 1)
    weight = _weighted(link)
    x = tracer.call(link.module.name, link.kind, weight, x, 1, (1, weight.size, 1), 1, confidence)
    for norm in placement.after:
        x = tracer.norm(norm.tensors, x, 1)
    return x


def _flattened(tracer: Tracer, x: Traced, positions: int) -> Traced:
    """Channels of several positions, channel after channel, as nn.Flatten lays them out."""
    wide = tracer.pooled(x, (), (1, x.shape[1], positions))
    if wide.is_unlabelled:
        wide = tracer.claimed(wide, 1)
    (flat,) = tracer.move("flatten", lambda labels: labels.reshape(1, -1, 1), wide)
    return flat


def _weighted(link: Link) -> Weighted:
    bias = None if link.module.bias is None else link.module.bias.name
    if link.kind == "linear":
        return layouts.linear(link.module.weight, transposed=link.transposed, bias=bias)
    return layouts.convolution(link.module.weight, link.kind, groups=link.groups, bias=bias)


def _remarks(chain: Chain, modules: Modules, confirmed: bool) -> list[str]:
    remarks = [] if confirmed else [_CHAIN]
    if chain.assumption is not None:
        remarks.append(chain.assumption)
    if modules.norms:
        remarks.append(_NORMS)
    remarks += [item.assumption for item in chain.links if item.assumption is not None]
    spare = [tensor.key for tensor in modules.spare if tensor.elements > 1]
    if spare:
        remarks.append(f"not part of the network: {listed(spare)}")
    return remarks
