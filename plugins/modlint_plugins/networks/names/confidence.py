"""How sure a chain is whose order was told by names and shapes."""

from __future__ import annotations

from itertools import pairwise

from modlint.verdict import Confidence
from modlint_plugins.networks.names.modules import LayerModule, Modules
from modlint_plugins.networks.names.order import Chain
from modlint_plugins.networks.names.words import is_index


def chain_confidence(chain: Chain, modules: Modules) -> Confidence:
    """Medium where one nn.Sequential holds all layers and something between any two; else low.

    Two layers that read one, gates, modules that are used twice and channels that change places
    between layers leave no trace in names and shapes: it is never high, and not even medium where
    all widths differ and only one order fits.
    """
    assumed = chain.assumption is not None or any(link.assumption for link in chain.links)
    return Confidence.MEDIUM if not assumed and _is_sequential(modules) else Confidence.LOW


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
