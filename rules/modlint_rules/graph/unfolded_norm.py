"""GRF007: a batch normalisation that could be part of the layer before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from modlint.results.dataflow import Body, Dataflow, Node
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule, shown
from modlint_rules.graph import UNFOLDED_NORM

_LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm"})
_NORM = "BatchNormalization"


class UnfoldedNorm(OnnxGraphRule[Options], reference=UNFOLDED_NORM):
    """Batch normalisations that only cost time."""

    advice = "fold them when exporting (do_constant_folding), or with onnxslim or onnx-simplifier"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        flow = self.flow(file)
        norms = sum(node.op == _NORM for _, node in flow.nodes())
        if not norms:
            yield self.not_applicable(whole_file(file.checkpoint), f"the model has no {_NORM}")
            return
        found = [node.label for body in flow.bodies for node in _foldable(flow, body)]
        some = f"{len(found):,} of {count(norms, _NORM)} right behind a layer of constant weights"
        yield self.decided(
            whole_file(file.checkpoint),
            f"{some} and not folded into it ({shown(found)})" if found else some,
            passes=not found,
            help=self.advice,
            values={"foldable": len(found), "norms": norms},
            limit={"foldable": {"max": 0}},
        )


def _foldable(flow: Dataflow, body: Body) -> Iterator[Node]:
    """Norms whose input a layer gives to them alone, all parameters of both constant."""
    producer = {node.outputs[0]: node for node in body.nodes if node.outputs and not node.domain}
    read = Counter(name for node in body.nodes for name in (*node.inputs, *node.captured))
    read.update(port.name for port in body.outputs)
    for node in body.nodes:
        before = producer.get(node.input(0))
        if node.op != _NORM or node.domain or before is None or before.op not in _LAYERS:
            continue
        parameters = (*node.inputs[1:5], *before.inputs[1:])
        trains = node.integer("training_mode", 0) or any(node.outputs[1:])
        alone = read[node.input(0)] == 1 and len(node.inputs) == 5
        if alone and not trains and all(flow.constant(n, body) for n in parameters if n):
            yield node
