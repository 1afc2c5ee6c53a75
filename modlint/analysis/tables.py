"""Cells of tables that were pickled beside a model, or instead of one: data, no weights."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint, Tensor

_KINDS = frozenset({"dataframe", "series"})
_HOLDS = frozenset({"_mgr", "_data"})
"""Attributes in which pandas keeps a table's columns: since 1.1, and before."""


def is_cell(tensor: Tensor, checkpoint: Checkpoint) -> bool:
    """Whether a tensor holds columns of a pandas DataFrame or Series."""
    path = tensor.name.split(".")
    for depth, part in enumerate(path):
        if part in _HOLDS:
            kind = checkpoint.metadata.get(".".join((*path[:depth], "_typ")))
            if isinstance(kind, str) and kind in _KINDS:
                return True
    return False
