"""Tables of names, written as words in a text."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def told_as(what: str, names: str) -> dict[str, str]:
    """A table in which each of the names, words of a text, leads to the same."""
    return dict.fromkeys(words(names), what)
