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
from modlint_plugins.networks.aten.values import Names, Value
from modlint_plugins.networks.aten.walk import SURPRISES, Walk
from modlint_plugins.networks.flow.nodes import CallNode
from modlint_plugins.networks.flow.tracer import Traced
from modlint_plugins.networks.torchscript.calls import RaisedError
from modlint_plugins.networks.torchscript.interpreter import Interpreter
from modlint_plugins.networks.torchscript.objects import (
    Code,
    Function,
    Loading,
    ScriptError,
    ScriptObject,
)
from modlint_plugins.networks.torchscript.undecided import (
    NeedsShapeError,
    Shape,
    Undecided,
    annotated,
    resized,
    usual_shapes,
)
from modlint_plugins.readers.torch.program import TorchScriptProgram

_RATES = ("sr", "sample_rate", "sampling_rate")
"""Names of a number of samples a second."""
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
            function = _entry(_part(loading.value(self.program.module), self.part))
            given = [
                _input(walk, a.arg, annotated(a.annotation), shapes) for a in _inputs(function)
            ]
            result = interpreter.apply(function, given)
            walk.tracer.output(*_results(result))
            undecided = [a.arg for a in _inputs(function) if a.arg not in shapes]
            if (
                undecided
                and not run.placed
                and "Tensor" in annotated(_inputs(function)[0].annotation)
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


def _entry(module: Value) -> Function:
    """The method that is called with the network's input."""
    if not isinstance(module, ScriptObject) or module.kind is None:
        raise ScriptError("its code does not hold the module's class")
    methods = module.kind.methods
    named = [m for name, m in methods.items() if name != "forward" and not name.startswith("_")]
    for method in [*(methods[n] for n in ("forward",) if n in methods), *named]:
        function = Function(method, module)
        if any("Tensor" in annotated(a.annotation) for a in _inputs(function)):
            return function
    raise ScriptError("no method of the module takes a tensor")


def _inputs(function: Function):  # type: ignore[no-untyped-def]
    arguments = function.code.args
    required = len(arguments.args) - len(arguments.defaults)
    return arguments.args[1:required]


def _input(walk: Walk, name: str, kind: str, shapes: dict[str, Shape]) -> Value:
    """What is given for a parameter of a type."""
    if kind.startswith("Optional"):
        return None
    if kind.startswith(("Tuple[", "List[")):
        inner = kind[kind.index("[") + 1 : -1]
        parts = inner.split(", ") if kind.startswith("Tuple[") and "[" not in inner else [inner]
        made = [_input(walk, f"{name}.{i}", part, shapes) for i, part in enumerate(parts)]
        return tuple(made) if kind.startswith("Tuple[") else made
    if kind.startswith("Dict["):
        return {}
    if kind != "Tensor":
        return {"int": 16_000 if name in _RATES else 1, "float": 1.0, "bool": False, "str": ""}.get(
            kind
        )
    return walk.tracer.input(name, shapes[name]) if name in shapes else Undecided(name)


def _results(value: Value) -> list[Traced]:
    if isinstance(value, Traced):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [x for part in value for x in _results(part)] if isinstance(value, (list, tuple)) else []


def _part(module: Value, path: str) -> Value:
    """A submodule by its path, the module itself by ""."""
    for name in path.split(".") if path else ():
        module = module.attributes.get(name) if isinstance(module, ScriptObject) else None
    return module


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
