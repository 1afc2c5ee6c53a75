"""What is said of a format that is recognised and not read."""

from __future__ import annotations

from msgspec import Struct


class Format(Struct, frozen=True):
    """A format.

    Attributes:
        name: the format's name in reports ("png").
        what: what the file is, to follow "is" ("a PNG image").
        help: what the user can do about it, if anything.
        holds_weights: whether such a file is somebody's checkpoint.
    """

    name: str
    what: str
    help: str | None = None
    holds_weights: bool = False
