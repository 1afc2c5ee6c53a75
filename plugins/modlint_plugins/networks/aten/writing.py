"""Elements that are overwritten in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Tensorlike
from modlint_plugins.networks.aten.values import MAX_ELEMENTS, Fixed, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.flow.labels import NONE
from modlint_plugins.networks.flow.traced import Traced


def store(walk: Walk, target: Value, source: Tensorlike) -> dict[int, Value]:
    """What becomes of values when elements of one are overwritten, by identity.

    A view's base changes with it: positions are found by running the same moves on numbers.
    """
    changed: dict[int, Value] = {id(target): source}
    chain = []
    base = target
    while id(base) in walk.views and walk.views[id(base)][0] is base:
        _, base_of, function = walk.views[id(base)]
        chain.append(function)
        base = base_of
    if chain and isinstance(base, (Traced, Fixed)):
        changed[id(base)] = _overwritten(walk, base, chain[::-1], source)
    return changed


def _overwritten(walk: Walk, base: Tensorlike, chain: Sequence[Any], source: Tensorlike) -> Traced:
    x = walk.traced(base)
    if int(np.prod(x.shape, dtype=object)) > MAX_ELEMENTS:
        raise UnfollowedError("writes into more elements than are followed")
    places = np.arange(int(np.prod(x.shape))).reshape(x.shape)
    for function in chain:
        places = function(places)

    def written(old: Any, new: Any) -> Any:
        out = np.array(old).reshape(-1)
        out[places.reshape(-1)] = np.broadcast_to(new, places.shape).reshape(-1)
        return out.reshape(x.shape)

    (out,) = walk.tracer.move("copy", written, x, walk.traced(source))
    if not (out.labels > NONE).all():
        walk.tracer.altered(out)
    return out
