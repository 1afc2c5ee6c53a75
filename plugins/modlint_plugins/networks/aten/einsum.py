"""Einsum, of weights and of activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike, as_tensor
from modlint_plugins.networks.aten.contractions import contraction
from modlint_plugins.networks.aten.tables import table
from modlint_plugins.networks.aten.values import Fixed, UnfollowedError, Value, computed
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.aten.weighted import product
from modlint_plugins.networks.flow.traced import Traced


@table("einsum", "equation tensors")
def _einsum(walk: Walk, a: Arguments) -> Value:
    equation, tensors = a.get("equation"), a.get("tensors")
    if not isinstance(equation, str) or not isinstance(tensors, (list, tuple)):
        raise UnfollowedError("einsum without an equation")
    operands: list[Any] = [as_tensor(x, a.op) for x in tensors]
    terms, out = _terms(equation.replace(" ", ""), [x.rank for x in operands])
    while len(operands) > 2:
        kept = out + "".join(terms[2:])
        pair = "".join(c for c in dict.fromkeys(terms[0] + terms[1]) if c in kept)
        operands[:2] = [_pairwise(walk, a, (terms[0], terms[1], pair), *operands[:2])]
        terms[:2] = [pair]
    if len(operands) == 1:
        return _alone(walk, terms[0], out, operands[0])
    return _pairwise(walk, a, (terms[0], terms[1], out), *operands)


def _terms(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    most = (
        max(rank - len(term) + 3 for rank, term in zip(ranks, terms, strict=True) if "..." in term)
        if "..." in left
        else 0
    )
    dots = "".join(chr(0x3B1 + i) for i in range(most))
    full = [
        term.replace("...", dots[most - (rank - len(term) + 3) :] if "..." in term else "")
        for rank, term in zip(ranks, terms, strict=True)
    ]
    if any(len(term) != rank for term, rank in zip(full, ranks, strict=True)):
        raise ValueError(f"{equation} of tensors of {list(ranks)} axes")
    if any(len(set(term)) != len(term) for term in full):
        raise UnfollowedError("einsum with a repeated letter")
    once = sorted(c for c in set("".join(full)) - set(dots) if "".join(full).count(c) == 1)
    return full, out.replace("...", dots) if arrow else dots + "".join(once)


def _alone(walk: Walk, term: str, out: str, x: Tensorlike) -> Value:
    gone = [i for i, letter in enumerate(term) if letter not in out]
    kept = [letter for letter in term if letter in out]
    x = walk.run("sum", x, gone) if gone else x
    return walk.run("permute", x, [kept.index(letter) for letter in out])


def _pairwise(
    walk: Walk, a: Arguments, terms: tuple[str, str, str], x: Tensorlike, y: Tensorlike
) -> Value:
    """Einsum of two operands; that of a weight as one product with a matrix for each batch."""
    if isinstance(x, Fixed) and x.owners and isinstance(y, Traced):
        return _pairwise(walk, a, (terms[1], terms[0], terms[2]), y, x)
    if isinstance(x, Fixed) and isinstance(y, Fixed):
        sizes = {
            **dict(zip(terms[0], x.shape, strict=True)),
            **dict(zip(terms[1], y.shape, strict=True)),
        }
        return computed(tuple(sizes[letter] for letter in terms[2]), (x, y))
    if not (isinstance(y, Fixed) and y.owners and y.rank > 1):
        return contraction(walk, terms, x, y)
    own, other, out = terms
    sizes = {**dict(zip(other, y.shape, strict=True)), **dict(zip(own, x.shape, strict=True))}
    batch = [c for c in other if c in own and c in out]
    summed = [c for c in other if c in own and c not in out]
    rows = [c for c in other if c not in own]
    free = [c for c in own if c not in other]
    if any(c not in out for c in rows + free) or not summed:
        return contraction(walk, terms, x, y)

    def size(letters: list[str]) -> int:
        return int(np.prod([sizes[c] for c in letters], dtype=int))

    def arranged(value: Tensorlike, term: str, *parts: list[str]) -> Any:
        turned = walk.run("permute", value, [term.index(c) for part in parts for c in part])
        return walk.run("reshape", turned, tuple(size(part) for part in parts))

    left = arranged(x, own, batch, free, summed)
    right = arranged(y, other, batch, summed, rows)
    if not batch:
        left, right = walk.run("squeeze", left, 0), walk.run("squeeze", right, 0)
    made = product(walk, a, left, right)
    order = batch + free + rows
    made = walk.run("reshape", made, tuple(sizes[c] for c in order))
    return walk.run("permute", made, [order.index(c) for c in out])
