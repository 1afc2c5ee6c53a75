"""How sure a chain is whose order was told by names and shapes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from modlint.verdict import Confidence
from modlint_plugins.networks.names.modules import LayerModule, Modules
from modlint_plugins.networks.names.order import Chain
from modlint_plugins.networks.names.words import is_index


def chain_confidence(chain: Chain, modules: Modules) -> Confidence:
    """Medium where the shapes allow one order, or one parent's numbers leave gaps; else low.

    Two layers that read one, gates and modules that are used twice hide in layers of one width, so
    it is never high.
    """
    if chain.assumption is not None or any(link.assumption for link in chain.links):
        return Confidence.LOW
    if _widths_differ(chain) or _is_sequential(modules):
        return Confidence.MEDIUM
    return Confidence.LOW


def _widths_differ(chain: Chain) -> bool:
    """Whether no other layer could read what one gives."""
    widths = Counter([chain.links[0].columns, *(link.outputs for link in chain.links)])
    plain = all(link.columns_per_unit == 1 for link in chain.links)
    return plain and max(widths.values()) == 1


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
