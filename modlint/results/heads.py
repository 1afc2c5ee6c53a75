"""What is known of the heads of attentions."""

from __future__ import annotations

from msgspec import Struct


class AttentionHeads(Struct, frozen=True):
    """The heads of one attention.

    Attributes:
        layer: name of the call that makes its queries.
        heads: how many there are.
        compared: how many are not zero in one of their parts.
        groups: heads that are alike in all parts, the first of each the one compared with.
    """

    layer: str
    heads: int
    compared: int
    groups: tuple[tuple[int, ...], ...]
