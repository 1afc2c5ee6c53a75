"""GRF002: parts of an ONNX graph that no output depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from modlint.analysis.copies import StoredCopies
from modlint.errors import Unavailable
from modlint.results.copies import Copies, Copy
from modlint.results.dataflow import Constant, Dataflow, Node
from modlint.rule import Examination, Need, Options
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Verdict
from modlint_rules.base.onnx_graph import OnnxGraphRule, shown
from modlint_rules.graph import DEAD_GRAPH

_COPIES = StoredCopies(min_bytes=4 << 10)


class DeadGraphOptions(Options, frozen=True):
    """Options of GRF002."""

    max_bytes: Annotated[
        int, msgspec.Meta(description="bytes of constants that may be idle in any case", ge=0)
    ] = 4096
    max_share: Annotated[
        float,
        msgspec.Meta(description="share of the constants' bytes that may be idle", ge=0, le=1),
    ] = 0.01


class DeadGraph(OnnxGraphRule[DeadGraphOptions], reference=DEAD_GRAPH):
    """Nodes, functions and constants that are carried for nothing."""

    options_type = DeadGraphOptions
    advice = (
        "simplify the graph (onnxslim, onnx-simplifier); let both readers of a constant that is"
        " stored twice read one, the other through a Transpose"
    )

    def needs(self) -> tuple[Need, ...]:
        """The dataflow, and which constants are stored twice."""
        return (*super().needs(), _COPIES)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        flow = self.flow(file)
        nodes = [node for body, node in flow.nodes() if body.live and not node.live]
        functions = [body.label for body in flow.bodies if _is_idle_function(body.live, body.kind)]
        unread = [c for body, c in flow.constants() if not (c.read and body.live)]
        copies = _copies(file.result(_COPIES, file.checkpoint))
        total = sum(constant.nbytes for _, constant in flow.constants())
        idle = sum(c.nbytes for c in unread) + sum(copy.nbytes for copy in copies)
        most = max(self.options.max_bytes, int(self.options.max_share * total))
        wasted = idle > most
        parts = [*_dead(nodes, functions), *(_waste(unread, copies, total) if wasted else ())]
        yield self.decided(
            whole_file(file.checkpoint),
            "; ".join(parts) or f"every output depends on all of {_size(flow)}",
            passes=not parts,
            help=self.advice,
            values={"nodes": len(nodes), "functions": len(functions), "bytes": idle},
            limit={"nodes": {"max": 0}, "functions": {"max": 0}, "bytes": {"max": most}},
        )


def _copies(found: Copies) -> Sequence[Copy]:
    """What is stored twice.

    Raises:
        Unavailable: a constant that may be a copy cannot be read.
    """
    if found.unread:
        raise Unavailable(next(iter(found.unread.values())))
    return found.copies


def _is_idle_function(live: bool, kind: str) -> bool:
    return kind == "function" and not live


def _dead(nodes: list[Node], functions: list[str]) -> Iterator[str]:
    if nodes:
        labels = shown(node.label for node in nodes)
        yield f"no output depends on {count(len(nodes), 'node')} ({labels})"
    if functions:
        yield f"nothing calls {', '.join(functions[:3])}{', …' if len(functions) > 3 else ''}"


def _waste(unread: list[Constant], copies: Sequence[Copy], total: int) -> Iterator[str]:
    if unread:
        largest = sorted(unread, key=lambda constant: -constant.nbytes)
        nbytes = file_size(sum(constant.nbytes for constant in unread))
        names = shown(constant.name for constant in largest)
        yield f"nothing reads {nbytes} of {file_size(total)} of constants ({names})"
    for copy in copies[:3]:
        how = " transposed" if copy.transposed else ""
        yield f"{copy.name!r} holds {copy.of!r}{how} a second time, {file_size(copy.nbytes)}"
    if len(copies) > 3:
        yield f"{count(len(copies) - 3, 'further constant')} stored twice"


def _size(flow: Dataflow) -> str:
    nodes = sum(1 for _ in flow.nodes())
    return f"{count(nodes, 'node')} and {count(sum(1 for _ in flow.constants()), 'constant')}"
