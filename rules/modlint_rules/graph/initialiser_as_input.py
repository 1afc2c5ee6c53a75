"""GRF009: weights that are inputs of the graph too, and so no constants."""

from __future__ import annotations

import math
from collections.abc import Iterator

from modlint.analysis.layer_weights import LayerWeights
from modlint.rule import Examination, Need, Options
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule, shown
from modlint_rules.graph import INITIALISER_AS_INPUT

_WEIGHTS = LayerWeights(min_elements=2)
_FIRST_IR = 4
"""Before, every initialiser had to be an input."""
_MOST = 0.5
"""Share of the initialisers' bytes from which they are no defaults that callers override."""


class InitialiserAsInput(OnnxGraphRule[Options], reference=INITIALISER_AS_INPUT):
    """Weights that a caller may replace, so that no runtime folds them."""

    advice = "export with keep_initializers_as_inputs=False, or take them out of graph.input"

    def needs(self) -> tuple[Need, ...]:
        """The dataflow, and which tensors are layers' weights."""
        return (*super().needs(), _WEIGHTS)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        flow, target = self.flow(file), whole_file(file.checkpoint)
        held = [c for c in flow.graph.constants.values() if not c.by_node and c.shape]
        held = [c for c in held if math.prod(c.shape) > 1]
        inputs = {port.name for port in flow.graph.inputs}
        both = [constant for constant in held if constant.name in inputs]
        if flow.ir_version < _FIRST_IR:
            message = f"in IR version {flow.ir_version} every initialiser has to be an input"
            yield self.not_applicable(target, message)
            return
        weights = file.result(_WEIGHTS, file.checkpoint) & {constant.name for constant in both}
        total = sum(constant.nbytes for constant in held)
        share = sum(constant.nbytes for constant in both) / total if total else 0.0
        held_many = count(len(held), "initialiser")
        some = f"{len(both):,} of {held_many} of several elements are inputs of the graph too"
        found = bool(weights) or (bool(both) and share >= _MOST)
        yield self.decided(
            target,
            f"{some} ({shown(c.name for c in both)}): runtimes cannot take them for constants"
            if found
            else some,
            passes=not found,
            help=self.advice,
            values={"inputs": len(both), "weights": len(weights), "share": share},
            limit={"weights": {"max": 0}, "share": {"max": _MOST}},
        )
