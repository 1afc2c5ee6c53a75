"""Why an operator could not be followed."""

from __future__ import annotations


class Refused(Exception):
    """What an operator makes is not followed; the text says why, in a clause."""
