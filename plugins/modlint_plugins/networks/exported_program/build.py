"""From the JSON of an exported program to its network."""

from __future__ import annotations

import msgspec

from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.errors import UnreadableError
from modlint.network import Network, NetworkSource
from modlint_plugins.networks.aten.built import finished
from modlint_plugins.networks.aten.operations import OPERATIONS
from modlint_plugins.networks.aten.values import Fixed, Names, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import SURPRISES, Walk
from modlint_plugins.networks.exported_program.graph import GraphRun, Json, entries, text
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.readers.containers.zip.exported_program import ExportedProgram

_HELD = (
    ("parameter", "parameter_name"),
    ("buffer", "buffer_name"),
    ("tensor_constant", "tensor_constant_name"),
)
_SMALL = 4
"""Size of an axis of which the file states none."""


def built_of(checkpoint: Checkpoint, program: ExportedProgram) -> Built:
    """The network, or the reason why there is none."""
    try:
        document = msgspec.json.decode(program.text())
    except (UnreadableError, ValueError, RecursionError) as error:
        return Built((Network("0", reason=f"its graph cannot be read: {str(error)[:200]}"),))
    try:
        return network_of_program(document, Names(checkpoint.tensors), "exported-program")
    except (UnfollowedError, RecursionError, *SURPRISES) as error:
        reason = f"its graph contradicts itself: {type(error).__name__}: {str(error)[:200]}"
        return Built((Network("0", reason=reason),))


def network_of_program(document: Json, names: Names, source: NetworkSource) -> Built:
    """The network of a program as torch.export serialises it.

    Args:
        document: the decoded JSON.
        names: tensors of the file by their names in the program's signature.
        source: what the network is said to come from.
    """
    module = entries(document, "graph_module")
    graph, signature = entries(module, "graph"), entries(module, "signature")
    walk = Walk(names, OPERATIONS)
    run = GraphRun(walk, graph)
    for spec in signature.get("input_specs") or ():
        _give(run, spec)
    run.steps()
    wanted = [entries(spec, "user_output") for spec in signature.get("output_specs") or ()]
    results = [run.argument(entries(spec, "arg")) for spec in wanted if spec]
    walk.tracer.output(*(x for x in results if isinstance(x, Traced)))
    return finished(walk, source)


def _give(run: GraphRun, spec: Json) -> None:
    """What an input of the graph stands for."""
    for kind, key in _HELD:
        held = entries(spec, kind)
        if held:
            name = text(entries(held, "arg"), "name")
            run.values[name] = run.walk.names.get(text(held, key)) or _missing(run, name)
    constant = entries(spec, "constant_input")
    if constant:
        run.values[text(constant, "name")] = run.argument(entries(constant, "value"))
    given = entries(entries(spec, "user_input"), "arg")
    for kind, value in given.items():
        name = text(value, "name") or text(value, "as_name")
        if kind == "as_tensor":
            run.values[name] = run.walk.tracer.input(name, run.shape(name, _SMALL) or ())
        elif kind.startswith("as_sym"):
            run.values[name] = run.symbol(name) or _SMALL


def _missing(run: GraphRun, name: str) -> Value:
    return Fixed(run.shape(name, _SMALL) or ())
