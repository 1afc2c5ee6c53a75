"""Short lists of whole numbers that nodes put together from constants: shapes, axes, bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from modlint.results.dataflow import WHOLE, Constant, Node

_MAX = 64
_SAME = frozenset({"Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Flatten"})

Whole = tuple[int | None, ...]
Lookup = Callable[[str], Whole | None]


def whole_numbers(nodes: Sequence[Node], constants: Mapping[str, Constant]) -> dict[str, Whole]:
    """By name, the lists that nodes of ONNX's own make; None for an element that is not known."""
    found: dict[str, Whole] = {}

    def known(name: str) -> Whole | None:
        constant = constants.get(name)
        if constant is None:
            return found.get(name)
        if constant.numbers is None or constant.dtype not in WHOLE:
            return None
        return tuple(map(int, constant.numbers))

    for node in nodes:
        made = None if node.domain else _made(node, known)
        if made is not None and len(made) <= _MAX and node.outputs:
            found[node.outputs[0]] = made
    return found


def _made(node: Node, known: Lookup) -> Whole | None:
    if node.op in _SAME:
        return known(node.input(0))
    if node.op == "Concat":
        parts = [known(name) for name in node.inputs]
        if all(part is not None for part in parts):
            return tuple(size for part in parts for size in part or ())
    if node.op == "Gather":
        return _picked(known(node.input(0)), known(node.input(1)))
    return None


def _picked(sizes: Whole | None, indices: Whole | None) -> Whole | None:
    """Elements by index; of a list that is not known as many that are not."""
    if indices is None:
        return None
    if sizes is None:
        return (None,) if len(indices) == 1 else None
    if any(i is None or not -len(sizes) <= i < len(sizes) for i in indices):
        return None
    return tuple(sizes[i] for i in indices if i is not None)
