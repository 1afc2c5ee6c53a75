"""GRF001: an ONNX graph that a runtime refuses, or that onnx.checker finds fault with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.analysis.onnx_check import REFUSED, OnnxCheck, OnnxValidity, Problem
from modlint.checkpoint import Checkpoint, Remark
from modlint.rule import Examination, Need, Options, Rule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Confidence, Severity, Target, Verdict
from modlint_rules.base.onnx_graph import NO_GRAPH
from modlint_rules.graph import CHECKER_ERROR

_WARNINGS = {
    "custom-operator": "make sure that every runtime you deploy to has this operator",
    "nonconforming": "export the model again, with a current exporter, for stricter readers",
    "no-nodes": "export the model again: its graph is empty",
    "no-shape": "state the input's shape, with names for the free axes",
    "out-of-order": "sort the nodes; runtimes do so themselves, other readers do not",
    "stated-shape": "remove the shapes that the file states for inner values, and infer them anew",
    "unknown-domain": "name the domain in opset_import, or export without the operator",
}
_DEPENDS = "custom-operator"
"""The kind that is a fault only for a runtime that lacks the operator."""
_RUNS_CODE = re.compile(r"\bPyCustomOp\b")
"""Operators that call code of the process that runs the model."""

_HELP = "export the model again, with a current exporter"
_LISTED = 20
_FORMAT = "onnx"

_STRIPPED = "stripped-weights"
_SEGMENTED = "segmented-tensor"


class CheckerError(Rule[Options], reference=CHECKER_ERROR):
    """A graph that a runtime may refuse."""

    def needs(self) -> tuple[Need, ...]:
        """What onnx.checker says."""
        return (OnnxCheck(),)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each problem, warnings of one kind together."""
        checkpoint = file.checkpoint
        if checkpoint.format != _FORMAT:
            yield self.not_applicable(whole_file(checkpoint), NO_GRAPH)
            return
        validity = file.result(OnnxCheck(), file.checkpoint)
        errors = [problem for problem in validity.problems if problem.kind in REFUSED]
        for problem in errors[:_LISTED]:
            yield self._error(checkpoint, problem)
        if len(errors) > _LISTED:
            rest = count(len(errors) - _LISTED, "further error")
            yield self.failed(whole_file(checkpoint), f"{rest} not listed", help=_HELP)
        yield from self._warnings(checkpoint, validity)
        stripped = [remark for remark in checkpoint.remarks if remark.kind == _STRIPPED]
        if stripped:
            yield self._stripped(checkpoint, stripped)
        segmented = [remark for remark in checkpoint.remarks if remark.kind == _SEGMENTED]
        if segmented:
            yield self._segmented(checkpoint, segmented)
        if not validity.problems and not stripped and not segmented:
            yield self.passed(
                whole_file(checkpoint),
                f"onnx.checker and shape inference accept {count(validity.nodes, 'node')}",
                values={"nodes": validity.nodes, "inferred": validity.inferred},
            )

    def _error(self, checkpoint: Checkpoint, problem: Problem) -> Verdict:
        target = whole_file(checkpoint)
        if problem.node is not None:
            target = Target("layer", problem.node)
        return self.failed(target, problem.message, help=_HELP, values={"kind": problem.kind})

    def _warnings(self, checkpoint: Checkpoint, validity: OnnxValidity) -> Iterator[Verdict]:
        for kind, help_ in _WARNINGS.items():
            found = [problem for problem in validity.problems if problem.kind == kind]
            if found:
                runs = any(_RUNS_CODE.search(problem.message) for problem in found)
                note = kind == _DEPENDS and not runs
                more = f" (and {len(found) - 1:,} more of the kind)" if len(found) > 1 else ""
                yield self.failed(
                    whole_file(checkpoint),
                    f"{found[0].message}{more}",
                    help=help_,
                    values={"kind": kind, "count": len(found)},
                    severity=Severity.NOTE if note else Severity.WARNING,
                )

    def _stripped(self, checkpoint: Checkpoint, stripped: list[Remark]) -> Verdict:
        return self.failed(
            whole_file(checkpoint),
            f"{count(len(stripped), 'tensor')} without elements: the weights were stripped;"
            f" {stripped[0].message}",
            help="put the weights back before you run the model",
            values={"kind": _STRIPPED, "count": len(stripped)},
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM,
        )

    def _segmented(self, checkpoint: Checkpoint, segmented: list[Remark]) -> Verdict:
        more = f" (and {len(segmented) - 1:,} more)" if len(segmented) > 1 else ""
        return self.failed(
            whole_file(checkpoint),
            f"{segmented[0].message}{more}: onnx refuses it, onnxruntime overlooks the mark",
            help=_HELP,
            values={"kind": _SEGMENTED, "count": len(segmented)},
            severity=Severity.WARNING,
        )
