"""From a chain of layers and its norms to a `Network`."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Tensor
from modlint.network import Group, GroupRole, Layer, Network
from modlint.text import listed
from modlint.verdict import Confidence
from modlint_plugins.networks.names.blocks import find_residual_blocks
from modlint_plugins.networks.names.chain import Contradiction, Link
from modlint_plugins.networks.names.modules import Modules, sort_modules
from modlint_plugins.networks.names.norms import Placement, Unplaced, place_norms
from modlint_plugins.networks.names.obstacles import EXPORT, find_obstacle
from modlint_plugins.networks.names.order import Chain, arrange

_INPUT = "input"
_CHAIN = "read as one chain of layers; a state_dict does not record additions or branches"
_NORMS = (
    "norms are taken to stand between their layer and its activation, behind it where the numbers "
    "of an nn.Sequential leave a gap, with PyTorch's default epsilon of 1e-5"
)


def rebuild(identifier: str, tensors: Sequence[Tensor], sorted_by_name: bool) -> Network:
    """The network of a state_dict's tensors, or the reason why names and shapes give none.

    Args:
        identifier: the network's id.
        tensors: parameters and buffers, in the file's order.
        sorted_by_name: the file's order is that of the names, it says nothing.
    """
    modules = sort_modules(tensors)
    reason = find_obstacle(tensors) or _unexplained(modules)
    if reason is not None:
        return Network(identifier, reason=reason)
    try:
        chain = arrange(modules.layers, sorted_by_name)
        placements = place_norms(modules.norms, chain.links)
    except Contradiction as contradiction:
        return Network(
            identifier, reason=f"the layers are no plain chain: {contradiction}; {EXPORT}"
        )
    except Unplaced as unplaced:
        return Network(identifier, reason=f"{unplaced}; {EXPORT}")
    block = find_residual_blocks(chain.links)
    if block is not None:
        return Network(
            identifier,
            reason=f"the repeated block {block} gives as many neurons as it takes and may add its "
            f"input to its output, which names and shapes do not tell; {EXPORT}",
        )
    return _network(identifier, chain, placements, modules)


def _unexplained(modules: Modules) -> str | None:
    if not modules.layers:
        names = listed(t.key for t in modules.unexplained or modules.spare)
        return f"no tensor has the name and the shape of a layer's weight: {names}"
    if modules.unexplained:
        names = listed(tensor.key for tensor in modules.unexplained)
        return f"it holds tensors that no plain layer has: {names}; {EXPORT}"
    return None


def _network(
    identifier: str, chain: Chain, placements: Sequence[Placement], modules: Modules
) -> Network:
    *beside, behind = placements
    layers = _layers(chain.links, beside)
    sizes = [chain.links[0].inputs, *(item.outputs for item in chain.links)]
    names = [_INPUT, *(layer.target for layer in layers)]
    hidden: list[GroupRole] = ["hidden"] * (len(layers) - 1)
    roles: list[GroupRole] = ["input", *hidden, "output"]
    plain = not modules.norms and all(item.module.linear for item in chain.links)
    certain = plain and chain.assumption is None
    return Network(
        id=identifier,
        source="names",
        confidence=Confidence.HIGH if certain else Confidence.MEDIUM,
        groups=tuple(
            Group(name, size, role) for name, size, role in zip(names, sizes, roles, strict=True)
        ),
        layers=layers,
        final_norms=tuple(behind.before),
        remarks=tuple(_remarks(chain, modules, certain)),
    )


def _layers(links: Sequence[Link], placements: Sequence[Placement]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for item, placement in zip(links, placements, strict=True):
        module, previous = item.module, layers[-1] if layers else None
        layers.append(
            Layer(
                name=module.name,
                kind=item.kind,
                shape=module.weight.shape,
                source=previous.target if previous else _INPUT,
                target=module.name if module.name != _INPUT else f"{module.name}.output",
                inputs=(previous.name,) if previous else (),
                weight=module.weight.name,
                bias=module.bias.name if module.bias else None,
                transposed=item.transposed,
                groups=item.groups,
                columns_per_unit=item.columns_per_unit,
                input_norms=tuple(placement.before),
                output_norms=tuple(placement.after),
            )
        )
    return tuple(layers)


def _remarks(chain: Chain, modules: Modules, certain: bool) -> list[str]:
    remarks = [] if certain else [_CHAIN]
    if chain.assumption is not None:
        remarks.append(chain.assumption)
    if modules.norms:
        remarks.append(_NORMS)
    remarks += [item.assumption for item in chain.links if item.assumption is not None]
    spare = [tensor.key for tensor in modules.spare if tensor.elements > 1]
    if spare:
        remarks.append(f"not part of the network: {listed(spare)}")
    return remarks
