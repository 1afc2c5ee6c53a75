"""How sure a chain is whose order was told by names and shapes."""

from __future__ import annotations

from itertools import pairwise

from modlint.verdict import Confidence
from modlint_plugins.networks.names.modules import LayerModule, Modules
from modlint_plugins.networks.names.order import Chain
from modlint_plugins.networks.names.words import is_index


def chain_confidence(chain: Chain, modules: Modules) -> Confidence:
    """Medium where one nn.Sequential holds all layers, or only one order fits; else low.

    Two layers that read one, gates, modules that are used twice and channels that change places
    between layers leave no trace in names and shapes, so it is never high.
    """
    if chain.assumption is not None or any(link.assumption for link in chain.links):
        return Confidence.LOW
    told = _is_sequential(modules) or _has_one_order(chain)
    return Confidence.MEDIUM if told else Confidence.LOW


def _has_one_order(chain: Chain) -> bool:
    """Whether all widths differ: no layer fits anywhere else, and nothing can be added or gated."""
    first, *rest = chain.links
    widths = [first.inputs, first.outputs, *(link.outputs for link in rest)]
    flattens = any(link.columns_per_unit > 1 or link.groups > 1 for link in rest)
    return bool(rest) and not flattens and len(set(widths)) == len(widths)


def _is_sequential(modules: Modules) -> bool:
    """Whether all layers stand in one nn.Sequential, with something between any two."""
    places = [_place(layer) for layer in modules.layers]
    parents = {layer.parts[:-1] for layer in modules.layers}
    if None in places or len(parents) != 1 or len(places) < 2:
        return False
    norms = {(norm.parts[:-1], norm.last) for norm in modules.norms}
    known = [place for place in places if place is not None]
    (parent,) = parents
    between = (
        [n for n in range(a + 1, b) if (parent, str(n)) not in norms] for a, b in pairwise(known)
    )
    return known == sorted(known) and all(between)


def _place(layer: LayerModule) -> int | None:
    return int(layer.last) if is_index(layer.last) else None
