"""Dotted names in Python's syntax."""

from __future__ import annotations

import ast


def dotted(node: ast.expr) -> str:
    """A dotted name, "" of anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(names))) if isinstance(node, ast.Name) else ""
