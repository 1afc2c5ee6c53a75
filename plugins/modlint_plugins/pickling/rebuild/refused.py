"""How an interpreted function says that its arguments are not what its pickler writes."""

from __future__ import annotations


class Refused(Exception):
    """The call is not interpreted; it is kept as it is."""


def require(condition: bool) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused
