"""GRF: the ONNX graph."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Severity

CHECKER_ERROR = RuleReference(
    code="GRF001",
    name="checker-error",
    severity=Severity.ERROR,
    summary="a runtime refuses the graph, or onnx.checker finds fault with it",
    source="onnxruntime, onnx.checker.check_model(full_check=True); ONNX IR specification",
    place="modlint_rules.graph.checker_error:CheckerError",
)

EXTERNAL_DATA = RuleReference(
    code="GRF006",
    name="external-data",
    severity=Severity.ERROR,
    summary="a file with a model's external data is missing, too short, or used twice",
    source="onnx/docs/ExternalData.md",
    place="modlint_rules.graph.external_data:ExternalData",
)

RULES = (
    CHECKER_ERROR,
    EXTERNAL_DATA,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
