"""Parts that a network repeats, by the names of its layers."""

from __future__ import annotations

from collections.abc import Iterable


def repeated(names: Iterable[str]) -> tuple[str, ...]:
    """Numbered parts of which some have the same layers: "layers.0" of "layers.0.fc1" and so on.

    Of parts inside parts only the outer are named.
    """
    inside: dict[str, set[str]] = {}
    for name in names:
        path = name.split(".")
        for place, part in enumerate(path[:-1], start=1):
            if part.isdigit():
                inside.setdefault(".".join(path[:place]), set()).add(".".join(path[place:]))
    alike: dict[tuple[str, frozenset[str]], int] = {}
    for block, layers in inside.items():
        key = (block.rpartition(".")[0], frozenset(layers))
        alike[key] = alike.get(key, 0) + 1
    parents = {parent for (parent, _), count in alike.items() if count > 1}
    blocks = [block for block in inside if block.rpartition(".")[0] in parents]
    outer = set(blocks)
    return tuple(block for block in blocks if not outer.intersection(_above(block)))


def _above(block: str) -> Iterable[str]:
    path = block.split(".")
    return (".".join(path[:place]) for place in range(1, len(path)))
