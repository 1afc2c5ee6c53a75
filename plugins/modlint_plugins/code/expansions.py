"""Texts of a configuration that stand for huge ones: interpolations that double, level by level.

OmegaConf puts the values of `${a}${a}` in place of it where it is read, and HyperPyYAML and others
copy what an alias of YAML stands for: a few lines become more than any memory holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modlint.checkpoint import Remark
from modlint_plugins.code.sizes import KIND

MAX_EXPANDED = 1_000_000
"""Items, or references, that one stands for."""
MAX_TEXTS = 20_000
"""Texts with interpolations that are followed."""

_REFERENCE = re.compile(r"\$\{[^${}:]{0,400}?([\w-]{1,200})\]?\}")
_HELP = "do not resolve this configuration; take its numbers and names only"


def examine_aliases(expanded: int) -> Iterator[Remark]:
    """A remark on aliases that stand for more items than a configuration has.

    Args:
        expanded: items of the documents, once each alias is what it stands for.
    """
    if expanded > MAX_EXPANDED:
        message = f"its aliases stand for more than {MAX_EXPANDED:,} items"
        yield Remark(KIND, message, help=_HELP)


def examine_interpolations(texts: Mapping[str, list[str]]) -> Iterator[Remark]:
    """A remark on texts that refer to one another so often that they become huge.

    Args:
        texts: texts with interpolations, by the last part of their key.
    """
    references = {
        key: max((_REFERENCE.findall(text) for text in held), key=len, default=[])
        for key, held in texts.items()
    }
    weights: dict[str, int] = {}
    for key in references:
        if _weight(key, references, weights) > MAX_EXPANDED:
            message = f"its interpolations repeat a text more than {MAX_EXPANDED:,} times"
            yield Remark(KIND, message, help=_HELP)
            return


def _weight(start: str, references: Mapping[str, list[str]], weights: dict[str, int]) -> int:
    """How many texts one text becomes; what refers to itself counts once."""
    pending, opened = [start], set()
    while pending:
        key = pending[-1]
        if key in weights:
            pending.pop()
        elif key not in opened:
            opened.add(key)
            pending += (r for r in references.get(key, ()) if r not in weights and r not in opened)
        else:
            total = sum(weights.get(r, 1) for r in references.get(key, ()))
            weights[key] = min(max(total, 1), MAX_EXPANDED + 1)
            pending.pop()
    return weights[start]
