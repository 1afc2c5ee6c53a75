"""What each operation does, by name; modules of handlers register theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

OPERATIONS: dict[str, tuple[Callable[..., Any], Sequence[str]]] = {}
"""By an operation's name its handler and the names of its parameters in order."""


def table(names: str, order: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a handler under several names."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names.split():
            OPERATIONS[name] = (function, tuple(order.split()))
        return function

    return register
