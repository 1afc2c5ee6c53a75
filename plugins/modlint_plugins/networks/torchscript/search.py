"""Which shapes a module's inputs have: the first that no operation contradicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from msgspec.structs import replace

from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.network import Network
from modlint_plugins.networks.aten.built import finished
from modlint_plugins.networks.aten.operations import OPERATIONS
from modlint_plugins.networks.aten.values import Names
from modlint_plugins.networks.aten.walk import SURPRISES, Walk
from modlint_plugins.networks.flow.nodes import CallNode
from modlint_plugins.networks.torchscript.calls import RaisedError
from modlint_plugins.networks.torchscript.entry import (
    entry_of,
    given_for,
    inputs_of,
    part_of,
    results_of,
)
from modlint_plugins.networks.torchscript.interpreter import Interpreter
from modlint_plugins.networks.torchscript.objects import (
    Code,
    Loading,
    ScriptError,
)
from modlint_plugins.networks.torchscript.sizes import resized, usual_shapes
from modlint_plugins.networks.torchscript.undecided import (
    NeedsShapeError,
    Shape,
    annotated,
)
from modlint_plugins.readers.torch.program import TorchScriptProgram

_MAX_RUNS = 80
_MAX_PARTS = 8
_MAX_STATEMENTS = 400_000


@dataclass
class _Run:
    """The module followed once, with some inputs' shapes decided."""

    shapes: dict[str, Shape]
    walk: Walk
    needs: NeedsShapeError | None = None
    raised: str | None = None
    spent: int = 0

    @property
    def placed(self) -> int:
        """Layers whose columns are known."""
        calls = [n for n in self.walk.tracer.nodes if isinstance(n, CallNode)]
        return len({n.weight.tensor for n in calls if n.unread is None})

    @property
    def is_right(self) -> bool:
        """Whether nothing contradicts the shapes."""
        return self.needs is None and self.raised is None and not self.walk.contradictions

    @property
    def rank(self) -> tuple[int, int]:
        """Greater is better."""
        return self.placed, -self.walk.contradictions - 2 * (self.raised is not None)


@dataclass
class _Search:
    checkpoint: Checkpoint
    program: TorchScriptProgram
    names: Names
    part: str = ""
    usual: list[Shape] = field(default_factory=list)
    left: int = _MAX_STATEMENTS

    def best(self) -> _Run:
        """The first run that nothing contradicts, else the best of those that ended."""
        pending: list[tuple[float, int, int, dict[str, Shape]]] = [(0, 0, 0, {})]
        seen: set[tuple[tuple[str, Shape], ...]] = set()
        best: _Run | None = None
        for _ in range(_MAX_RUNS):
            if not pending or self.left <= 0:
                break
            cost, *_, shapes = heappop(pending)
            run = self._run(shapes)
            self.left -= run.spent
            if run.is_right:
                return run
            for more, child in _next(run):
                key = tuple(sorted(child.items()))
                if key not in seen:
                    seen.add(key)
                    heappush(pending, (cost + more, -len(child), len(seen), child))
            if run.needs is None and (best is None or run.rank > best.rank):
                best = run
        if best is None:
            raise ScriptError("no shape of its inputs was found that its code takes")
        return best

    def _run(self, shapes: dict[str, Shape]) -> _Run:
        walk = Walk(self.names, OPERATIONS)
        code = Code(self.program)
        loading = Loading(self.program, code, self.names)
        interpreter = Interpreter(walk, code, loading, self.usual, min(self.left, 200_000))
        run, before = _Run(shapes, walk), interpreter.left
        try:
            function = entry_of(part_of(loading.value(self.program.module), self.part))
            given = [
                given_for(walk, a.arg, annotated(a.annotation), shapes) for a in inputs_of(function)
            ]
            result = interpreter.apply(function, given)
            walk.tracer.output(*results_of(result))
            undecided = [a.arg for a in inputs_of(function) if a.arg not in shapes]
            if (
                undecided
                and not run.placed
                and "Tensor" in annotated(inputs_of(function)[0].annotation)
            ):
                run.needs = NeedsShapeError(undecided[0], self.usual)
        except NeedsShapeError as needs:
            run.needs = needs
        except RaisedError as error:
            run.raised = str(error)
        except SURPRISES as error:
            run.raised = f"{type(error).__name__}: {str(error)[:100]}"
        run.spent = 50 + before - interpreter.left
        return run


def _next(run: _Run) -> Iterator[tuple[float, dict[str, Shape]]]:
    """What to try after a run, and how unlikely it is: shapes of an input, or other sizes."""
    if run.needs is not None:
        for i, shape in enumerate(run.needs.shapes):
            yield i, {**run.shapes, run.needs.name: shape}
        return
    lead = run.walk.lead
    if lead is not None and all(shape[0] != lead for shape in run.shapes.values()):
        yield 0.5, {name: (lead, *shape[1:]) for name, shape in run.shapes.items()}
    if run.walk.mismatch is not None:
        for name, shape in run.shapes.items():
            for i, size in enumerate(resized(shape, *run.walk.mismatch)):
                yield 0.25 + i / 2, {**run.shapes, name: size}


def built_of(checkpoint: Checkpoint, program: TorchScriptProgram) -> Built:
    """The network, and those of submodules that it does not call; or the reason for none."""
    whole = _built(checkpoint, program, "")
    if not any(network.calls for network in whole.networks):
        return whole
    parts = [_built(checkpoint, program, part) for part in _uncalled(checkpoint, whole)]
    networks = [network for part in parts for network in part.networks if network.calls]
    named = tuple(replace(network, id=f"part {i}") for i, network in enumerate(networks, 1))
    unplaced = [x for part in parts for x in part.unplaced if part.networks]
    return Built((*whole.networks, *named), (*whole.unplaced, *unplaced))


def _uncalled(checkpoint: Checkpoint, whole: Built) -> list[str]:
    """Submodules of the outermost module none of whose weights is met."""
    met = {call.weight for network in whole.networks for call in network.calls}
    met |= {x.tensor for x in whole.unplaced}
    layers = [name for name, x in checkpoint.tensors.items() if len(x.shape) > 1]
    heads = dict.fromkeys(name.partition(".")[0] for name in layers if "." in name)
    called = {name.partition(".")[0] for name in met}
    return [head for head in heads if head not in called][:_MAX_PARTS]


def _built(checkpoint: Checkpoint, program: TorchScriptProgram, part: str) -> Built:
    names, usual = Names(checkpoint.tensors), usual_shapes(checkpoint)
    search = _Search(checkpoint, program, names, part, usual)
    try:
        run = search.best()
    except (ScriptError, RecursionError) as error:
        return Built((Network("0", reason=str(error)[:300] or "its code is nested too deeply"),))
    built = finished(run.walk, "torchscript")
    if built.networks:
        return built
    lost = next(iter(run.walk.tracer.lost), "none of its operations is a layer")
    reason = f"its code raises {run.raised}" if run.raised else lost
    return Built((Network("0", reason=reason[:300]),), built.unplaced)
