"""GRF: the ONNX graph."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Persona, Severity

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

DEAD_GRAPH = RuleReference(
    code="GRF002",
    name="dead-graph",
    severity=Severity.NOTE,
    summary="nodes that no output depends on, constants that nothing reads or that are there twice",
    source="ONNX IR specification, Graphs; onnx-simplifier and onnxslim remove such parts",
    place="modlint_rules.graph.dead_graph:DeadGraph",
)

TRAINING_OP = RuleReference(
    code="GRF003",
    name="training-op",
    severity=Severity.WARNING,
    summary="the graph trains: dropout or batch normalisation in training mode, losses, gradients",
    source="ONNX operators Dropout-12 and BatchNormalization-14, training_mode; TrainingInfoProto",
    place="modlint_rules.graph.training_op:TrainingOp",
)

OLD_OPSET = RuleReference(
    code="GRF004",
    name="old-opset",
    severity=Severity.NOTE,
    summary="the opset is older than the configured runtime promises to load",
    source="onnxruntime, docs/Versioning.md; NVIDIA TensorRT documentation, ONNX Opset Guide",
    place="modlint_rules.graph.old_opset:OldOpset",
)

INT64_OVERFLOW = RuleReference(
    code="GRF005",
    name="int64-overflow",
    severity=Severity.WARNING,
    summary="an int64 constant that int32 cannot hold and that is no bound of a slice",
    source="onnx-tensorrt, docs/operators.md: INT64 is cast down to INT32",
    place="modlint_rules.graph.int64_overflow:Int64Overflow",
)

UNFOLDED_NORM = RuleReference(
    code="GRF007",
    name="unfolded-norm",
    severity=Severity.NOTE,
    summary="a batch normalisation right behind a layer of constant weights",
    source="Jacob et al., CVPR 2018 (arXiv 1712.05877), section 3.2: batch normalisation folding",
    place="modlint_rules.graph.unfolded_norm:UnfoldedNorm",
    persona=Persona.PEDANTIC,
)

IR_TOO_NEW = RuleReference(
    code="GRF008",
    name="ir-too-new",
    severity=Severity.WARNING,
    summary="the IR version is newer than the runtime loads, or far beyond what the opset needs",
    source="onnx, docs/Versioning.md; onnx.helper.VERSION_TABLE",
    place="modlint_rules.graph.ir_too_new:IrTooNew",
)

INITIALISER_AS_INPUT = RuleReference(
    code="GRF009",
    name="initialiser-as-input",
    severity=Severity.NOTE,
    summary="weights are inputs of the graph too, which keeps runtimes from folding them",
    source="ONNX IR specification, Graphs: from IR version 4 on initialisers need not be inputs",
    place="modlint_rules.graph.initialiser_as_input:InitialiserAsInput",
)

FIXED_BATCH = RuleReference(
    code="GRF010",
    name="fixed-batch",
    severity=Severity.WARNING,
    summary="an input leaves the batch free, and a Reshape inside the graph fixes it",
    source="ONNX operators, Reshape; PyTorch documentation, torch.onnx, dynamic shapes",
    place="modlint_rules.graph.fixed_batch:FixedBatchAxis",
)

DOUBLE_PRECISION = RuleReference(
    code="GRF011",
    name="double-precision",
    severity=Severity.NOTE,
    summary="large constants of float64",
    source="ONNX IR specification, Tensor Element Types; PyTorch issue 58367",
    place="modlint_rules.graph.double_precision:DoublePrecision",
)

RULES = (
    CHECKER_ERROR,
    DEAD_GRAPH,
    TRAINING_OP,
    OLD_OPSET,
    INT64_OVERFLOW,
    EXTERNAL_DATA,
    UNFOLDED_NORM,
    IR_TOO_NEW,
    INITIALISER_AS_INPUT,
    FIXED_BATCH,
    DOUBLE_PRECISION,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
