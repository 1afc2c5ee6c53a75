"""How large a pickle's values become once sharing is undone: printing or copying them does that.

A pickle of 200 bytes can nest lists so that each holds the one before ten times over ("billion
laughs"): loading it is cheap, and everything that walks over what was loaded never ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from modlint_plugins.pickling.values import Dict, Object, Set, Value

CONTAINERS = (Dict, Object, Set, list, tuple)
_CEILING = 10**18


class _Frame:
    """A container being measured."""

    __slots__ = ("parts", "size", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.parts = _parts(value)
        self.size = 1


def unfolded_size(root: Value) -> int:
    """Number of values with each shared one counted as often as it is reached.

    A value that holds itself counts once where it does. Every value is visited once.
    """
    sizes: dict[int, int] = {}
    path = [_Frame(root)]
    while path:
        frame = path[-1]
        for part in frame.parts:
            if not isinstance(part, CONTAINERS):
                frame.size += 1
            elif id(part) in sizes:
                frame.size = min(frame.size + sizes[id(part)], _CEILING)
            else:
                sizes[id(part)] = 1
                path.append(_Frame(part))
                break
        else:
            path.pop()
            sizes[id(frame.value)] = frame.size
            if path:
                path[-1].size = min(path[-1].size + frame.size, _CEILING)
    return sizes[id(root)]


def _parts(value: Value) -> Iterator[Value]:
    if isinstance(value, Dict):
        return chain(chain.from_iterable(value.pairs), (value.state,))
    if isinstance(value, Set):
        return iter(value.items)
    if isinstance(value, Object):
        held = (value.function, value.args, value.kwargs, value.state)
        further = (value.earlier or (), value.items or (), chain.from_iterable(value.pairs or ()))
        return chain(held, *further)
    return iter(value) if isinstance(value, (list, tuple)) else iter(())
