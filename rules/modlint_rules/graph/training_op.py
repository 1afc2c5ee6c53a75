"""GRF003: an ONNX graph that trains, or was exported in training mode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from modlint.results.dataflow import Body, Dataflow, Node
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule, shown
from modlint_rules.graph import TRAINING_OP

_LOSSES = frozenset({"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"})
_TRAINING_DOMAINS = frozenset({"ai.onnx.preview.training", "ai.onnx.training"})
_OPTIMISERS = frozenset({"AdamOptimizer", "AdamWOptimizer", "LambOptimizer", "SGDOptimizerV2"})
_DROPOUTS = {"Dropout": 1, "BitmaskDropout": 1, "BiasDropout": 3, "BitmaskBiasDropout": 3}
"""By operator, which input is the ratio; the next one is the mode."""


class TrainingOp(OnnxGraphRule[Options], reference=TRAINING_OP):
    """Operators whose results change from run to run, or that only training needs."""

    advice = "call model.eval() and export again, with training=TrainingMode.EVAL"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for all nodes that do the same, one for the training that the file states."""
        flow = self.flow(file)
        if flow.training:
            yield self.failed(
                whole_file(file.checkpoint),
                f"the model describes its training ({count(flow.training, 'training_info entry')})",
                help="export the model for inference",
                values={"training_info": flow.training},
            )
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for body, node in flow.nodes():
            why = _why(flow, body, node) if body.live and node.live else None
            if why is not None:
                found[node.op, why].append(node.label)
        for (op, why), labels in found.items():
            yield self.failed(
                Target("layer", labels[0]),
                f"{count(len(labels), f'{op} node')} ({shown(labels)}) {why}",
                help=self.advice,
                values={"op": op, "nodes": len(labels)},
            )

    def healthy(self, file: Examination) -> Verdict:
        """The number of nodes."""
        nodes = sum(1 for _ in self.flow(file).nodes())
        message = f"{count(nodes, 'node')}, none in training mode"
        return self.passed(whole_file(file.checkpoint), message, values={"nodes": nodes})


def _why(flow: Dataflow, body: Body, node: Node) -> str | None:
    """What a node does that only training needs; None for nothing."""
    if node.domain in _TRAINING_DOMAINS:
        return "of training's own operators"
    if node.domain == "com.microsoft":
        if node.op in _OPTIMISERS or node.op.endswith(("Grad", "Gradient")):
            return "for gradients or updates of weights"
        if node.op in _DROPOUTS:
            return _dropout(flow, body, node)
    if not node.domain:
        if node.op in _LOSSES:
            return "for a loss"
        if node.op in _JUDGED:
            return _JUDGED[node.op](flow, body, node)
    return None


def _dropout(flow: Dataflow, body: Body, node: Node) -> str | None:
    """Up to version 6 an attribute tells, from 12 on an input; in between it does nothing."""
    ratio_at = _DROPOUTS[node.op]
    if not node.domain and body.opset < 7:
        trains = body.opset > 0 and not node.integer("is_test", 0)
    else:
        mode = flow.whole(node.input(ratio_at + 1), body)
        trains = mode is not None and mode[:1] == (1,) and (bool(node.domain) or body.opset >= 12)
    ratio = flow.constant(node.input(ratio_at), body) if node.input(ratio_at) else None
    keeps_all = ratio is not None and ratio.numbers is not None and not any(ratio.numbers)
    return "in training mode: elements are dropped at random" if trains and not keeps_all else None


def _batch_norm(flow: Dataflow, body: Body, node: Node) -> str | None:  # noqa: ARG001
    """Up to version 6 an attribute tells, from 14 on another; in between further outputs do."""
    if body.opset >= 14:
        trains = node.integer("training_mode", 0) == 1
    elif body.opset >= 7:
        trains = any(node.outputs[1:])
    else:
        trains = body.opset > 0 and not node.integer("is_test", 0)
    why = "in training mode: each batch is normalised by its own statistics"
    return why if trains else None


_JUDGED: Mapping[str, Callable[[Dataflow, Body, Node], str | None]] = {
    "BatchNormalization": _batch_norm,
    "Dropout": _dropout,
}
