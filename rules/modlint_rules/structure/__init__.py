"""STR: how the weights are built."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Severity

LAYER_COLLAPSE = RuleReference(
    code="STR001",
    name="layer-collapse",
    severity=Severity.ERROR,
    summary="a layer's weights are all zero, or no path leads from the input to the output",
    source="Tanaka et al., Pruning neural networks ..., arXiv 2006.05467, section 3",
    place="modlint_rules.structure.layer_collapse:LayerCollapse",
    cost=Cost.PASS,
)

SPARSE_STORED_DENSE = RuleReference(
    code="STR002",
    name="sparse-stored-dense",
    severity=Severity.NOTE,
    summary="most elements of a weight are zero, and every zero is stored",
    source="Tanaka et al., arXiv 2006.05467; NVIDIA Ampere whitepaper, 2:4 structured sparsity",
    place="modlint_rules.structure.sparse_stored_dense:SparseStoredDense",
    cost=Cost.PASS,
)

REDUNDANT_MEMBER = RuleReference(
    code="STR003",
    name="redundant-member",
    severity=Severity.WARNING,
    summary="members of an ensemble, or experts of a mixture, are copies or empty",
    source="Urbach and Schneidman, ensembles of cross-supervising networks, arXiv 2510.14486",
    place="modlint_rules.structure.redundant_member:RedundantMember",
    cost=Cost.PASS,
)

SINGLE_POINT_OF_FAILURE = RuleReference(
    code="STR004",
    name="single-point-of-failure",
    severity=Severity.INFORMATION,
    summary="a block has no way around it where others have one",
    source="Yousefpour et al., ResiliNet, arXiv 2002.07386, section 3; flow of 2006.05467",
    place="modlint_rules.structure.single_point_of_failure:SinglePointOfFailure",
    cost=Cost.PASS,
)

PROTECTED_INPUT_PATH = RuleReference(
    code="STR005",
    name="protected-input-path",
    severity=Severity.NOTE,
    summary="the output depends on an input that it should not depend on",
    source="arXiv 2012.15274, group fairness; flow of Tanaka et al., arXiv 2006.05467, section 4",
    place="modlint_rules.structure.protected_input_path:ProtectedInputPath",
    cost=Cost.PASS,
)

RULES: tuple[RuleReference, ...] = (
    LAYER_COLLAPSE,
    SPARSE_STORED_DENSE,
    REDUNDANT_MEMBER,
    SINGLE_POINT_OF_FAILURE,
    PROTECTED_INPUT_PATH,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
