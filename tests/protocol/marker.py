"""What random pickles name: a function and an object that record that they were called."""

from __future__ import annotations

from typing import Any

CALLS: list[str] = []


def mark(*_: Any, **__: Any) -> None:
    """Record a call."""
    CALLS.append("mark")


class _Space:
    """An object with a method of every name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def method(*_: Any, **__: Any) -> None:
            CALLS.append(name)

        return method


space = _Space()
