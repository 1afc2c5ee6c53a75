"""TRN: traces of a training that did not happen, or went wrong."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Confidence, Cost, Severity

UNTRAINED = RuleReference(
    code="TRN001",
    name="untrained",
    severity=Severity.WARNING,
    summary="weights are still what an initialiser drew",
    source="Glorot and Bengio, AISTATS 2010; Johnstone, Annals of Statistics 29, 2001, theorem 1",
    place="modlint_rules.training.untrained:Untrained",
    confidence=Confidence.MEDIUM,
    cost=Cost.PASS,
)

BATCH_NORM_STATISTICS = RuleReference(
    code="TRN002",
    name="batch-norm-statistics",
    severity=Severity.WARNING,
    summary="running statistics are impossible, or were never updated",
    source="Ioffe and Szegedy, Batch Normalization, arXiv 1502.03167, algorithm 2",
    place="modlint_rules.training.batch_norm_statistics:BatchNormStatistics",
    cost=Cost.PASS,
)

NO_OP_ADAPTER = RuleReference(
    code="TRN003",
    name="no-op-adapter",
    severity=Severity.WARNING,
    summary="an adapter with zero or lost factors, or unlike its adapter_config.json",
    source="Hu et al., LoRA, arXiv 2106.09685, section 4.1: B is zero before training; PEFT",
    place="modlint_rules.training.no_op_adapter:NoOpAdapter",
    cost=Cost.PASS,
)

UNTRAINED_EMBEDDING_ROWS = RuleReference(
    code="TRN004",
    name="untrained-embedding-rows",
    severity=Severity.NOTE,
    summary="rows of a token embedding were never trained",
    source="Land and Bartolo, Fishing for Magikarp, arXiv 2405.05417, section 3",
    place="modlint_rules.training.untrained_embedding_rows:UntrainedEmbeddingRows",
    confidence=Confidence.MEDIUM,
    cost=Cost.PASS,
)

UNCHANGED_FROM_REFERENCE = RuleReference(
    code="TRN005",
    name="unchanged-from-reference",
    severity=Severity.NOTE,
    summary="layer weights are bit-identical to the reference",
    source="PyTorch documentation, Transfer Learning Tutorial: frozen parameters; torch.equal",
    place="modlint_rules.training.unchanged_from_reference:UnchangedFromReference",
    cost=Cost.PASS,
)

MISSING_RUNNING_STATS = RuleReference(
    code="TRN007",
    name="missing-running-stats",
    severity=Severity.WARNING,
    summary="a batch norm lacks the running statistics that its siblings hold",
    source="PyTorch documentation, torch.nn.BatchNorm2d, track_running_stats",
    place="modlint_rules.training.missing_running_stats:MissingRunningStats",
    confidence=Confidence.MEDIUM,
    cost=Cost.PASS,
)

RULES = (
    UNTRAINED,
    BATCH_NORM_STATISTICS,
    NO_OP_ADAPTER,
    UNTRAINED_EMBEDDING_ROWS,
    UNCHANGED_FROM_REFERENCE,
    MISSING_RUNNING_STATS,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
