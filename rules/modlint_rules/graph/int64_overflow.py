"""GRF005: an int64 constant that runtimes of 32-bit integers change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from modlint.results.dataflow import Body, Constant, Dataflow, Node
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule
from modlint_rules.graph import INT64_OVERFLOW

_BOUNDS = {"Slice": (1, 2), "Clip": (1, 2)}
"""By operator, inputs that say no more than "up to here": any large number serves."""
_PASSED_ON = frozenset({"Cast", "Concat", "Identity", "Reshape", "Squeeze", "Unsqueeze"})


class Int64Overflow(OnnxGraphRule[Options], reference=INT64_OVERFLOW):
    """An index or a number beyond 2^31 that is no bound."""

    advice = "keep the constant below 2^31, or run the model where int64 is native (onnxruntime)"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each constant."""
        flow = self.flow(file)
        if flow.unread is not None:
            yield self.inconclusive(whole_file(file.checkpoint), flow.unread)
        readers = _readers(flow)
        for body, constant in flow.constants():
            number, first = constant.beyond_int32 or (0, 0)
            if number and constant.read and body.live and not _is_bound(constant, body, readers):
                yield self.failed(
                    Target("tensor", constant.name),
                    f"constant {constant.name!r} holds {first:,}, which int32 cannot hold"
                    f"{_more(number)}: runtimes that compute in int32, as TensorRT does, change it",
                    help=self.advice,
                    values={"elements": number, "first": first},
                    limit={"first": {"min": -(1 << 31), "max": (1 << 31) - 1}},
                )

    def healthy(self, file: Examination) -> Verdict:
        """The number of int64 constants."""
        whole = sum(constant.dtype == "int64" for _, constant in self.flow(file).constants())
        message = f"{count(whole, 'int64 constant')}, none beyond int32 but bounds of slices"
        return self.passed(whole_file(file.checkpoint), message, values={"constants": whole})


_Readers = dict[str, list[tuple[Node, int]]]


def _readers(flow: Dataflow) -> _Readers:
    """By name, who reads it; names of different bodies are taken together."""
    readers: _Readers = defaultdict(list)
    for _, node in flow.nodes():
        for index, name in enumerate(node.inputs):
            readers[name].append((node, index))
    return readers


def _is_bound(constant: Constant, body: Body, readers: _Readers) -> bool:
    """Whether all that comes of a constant are bounds."""
    waiting, seen = [constant.name], {constant.name}
    outputs = {port.name for port in body.outputs}
    while waiting:
        name = waiting.pop()
        if name in outputs:
            return False
        for node, index in readers[name]:
            if not node.domain and index in _BOUNDS.get(node.op, ()):
                continue
            if node.domain or node.op not in _PASSED_ON or not node.outputs:
                return False
            if node.outputs[0] not in seen:
                seen.add(node.outputs[0])
                waiting.append(node.outputs[0])
    return True


def _more(number: int) -> str:
    return f" ({number:,} elements in all)" if number > 1 else ""
