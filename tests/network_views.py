"""What tests of graph builders ask of a network's calls, in few words."""

from __future__ import annotations

from typing import NamedTuple

from modlint.builder import NetworkBuilder
from modlint.checkpoint import Checkpoint
from modlint.edges import tensor_edges
from modlint.neighbours import calls_behind, norms_before
from modlint.network import Call, Network, Norm


class View(NamedTuple):
    """A call with what stands around it.

    `columns_per_unit` is that of the one span that it reads; `before` and `after` are names of the
    scales (else variances) of norms.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    weight: str
    bias: str | None
    activation: str | None
    columns_per_unit: int | None
    transposed: bool
    groups: int
    before: tuple[Norm, ...]
    after: tuple[Norm, ...]


def views(network: Network) -> list[View]:
    """The calls, in topological order."""
    behind = calls_behind(network)
    return [_view(network, call, behind[call.name]) for call in network.calls]


def _view(network: Network, call: Call, inputs: tuple[str, ...]) -> View:
    strides = call.layout.strides if call.layout is not None else (0, 1, 0, 0)
    return View(
        name=call.name,
        kind=call.kind,
        inputs=inputs,
        weight=call.weight,
        bias=call.bias,
        activation=network.activation_of(call),
        columns_per_unit=call.reads[0].each if len(call.reads) == 1 else None,
        transposed=strides[1] < strides[2],
        groups=call.groups,
        before=tuple(norms_before(network, call)),
        after=network.norms_after[call.name],
    )


def norms_behind(network: Network) -> list[Norm]:
    """Norms whose factors no call reads."""
    found = []
    for op in network.operations:
        if isinstance(op, Norm) and op.target not in network.folded:
            later, seen = [op.target], []
            while later:
                for reader in network.readers[later.pop()]:
                    seen.append(reader)
                    if not isinstance(reader, Call):
                        later.append(reader.target)
            if not any(isinstance(reader, Call) for reader in seen):
                found.append(op)
    return found


def networks_of(builder: NetworkBuilder, checkpoint: Checkpoint) -> tuple[Network, ...]:
    """What a builder makes of a checkpoint."""
    built = builder.build(checkpoint)
    assert built is not None
    return built.networks


def edges(*networks: Network) -> dict[tuple[str, str], set[tuple[int, int]]]:
    """By producer's and consumer's tensor, pairs of a channel and a column; inputs left out."""
    return {
        (found.producer, found.consumer): set(map(tuple, found.pairs.T.tolist()))
        for network in networks
        if network.reason is None
        for found in tensor_edges(network)
        if found.producer is not None
    }
