"""Layers that lack a part which all others have, in architectures whose layers are alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modlint.results.layers import LayerStack
from modlint.results.model_config import ModelConfig
from modlint.text import count, printable
from modlint_rules.base.stated_layers import StatedStack
from modlint_rules.format.against_config.sizes import is_known

_FEWEST = 3
_SHARE = 0.25
"""Of the layers, at most so many are lacking in part: of more, two designs may alternate."""
_NAMED = 3


def partial_layers(
    stack: LayerStack, said: StatedStack | None, config: ModelConfig | None
) -> list[tuple[int, list[str]]]:
    """Layers that hold nothing which the others lack, and lack what all others hold.

    A layer of another design, as a dense one among mixtures of experts, has parts of its own.
    """
    if said is None or config is None or config.quantised or not is_known(config, said):
        return []
    found = list(_lacking(stack)) if len(stack.members) >= _FEWEST else []
    return found if len(found) <= max(1, _SHARE * len(stack.members)) else []


def _lacking(stack: LayerStack) -> Iterator[tuple[int, list[str]]]:
    """Layers with what they lack; the embedding before the first may be normalised already."""
    largest = max(map(len, stack.members.values()))
    whole = [names for names in stack.members.values() if len(names) == largest]
    usual = frozenset.intersection(*whole)
    first = min(stack.members)
    for number, names in stack.members.items():
        unnormed = number == first and all("norm" in name for name in usual - names)
        if names < usual and not unnormed:
            yield number, sorted(usual - names)


def told(stack: LayerStack, lacking: Sequence[tuple[int, list[str]]]) -> str:
    """What the layers lack, in words."""
    number, names = lacking[0]
    listed = ", ".join(printable(name, 100) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    others = f"; {count(len(lacking) - 1, 'further layer')} too" if len(lacking) > 1 else ""
    return (
        f"{stack.name}.{number} lacks {count(len(names), 'tensor')} that the other layers hold:"
        f" {listed}{more}{others}"
    )
