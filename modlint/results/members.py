"""Members of ensembles and experts of mixtures."""

from __future__ import annotations

from msgspec import Struct


class MemberGroup(Struct, frozen=True):
    """Modules that stand side by side, with the same names and shapes of weights.

    Attributes:
        name: what they are members of ("model.layers.0.mlp.experts").
        members: what tells each ("0", "critic2"), in the file's order.
        identical: groups of them with the same weights, by place among `members`.
        collapsed: those with a weight of zeros where others have none.
        matched: pairs whose units point the same way, and the share of that.
        compared: how many pairs were compared unit by unit.
        closest: the largest mean cosine of matched units among these; None without any.
    """

    name: str
    members: tuple[str, ...]
    identical: tuple[tuple[int, ...], ...]
    collapsed: tuple[int, ...]
    matched: tuple[tuple[int, int, float], ...]
    compared: int
    closest: float | None
