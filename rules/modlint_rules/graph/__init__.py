"""GRF: the ONNX graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """The rules of this family."""
    from modlint_rules.graph.checker_error import CheckerError
    from modlint_rules.graph.external_data import ExternalData

    return (CheckerError, ExternalData)
