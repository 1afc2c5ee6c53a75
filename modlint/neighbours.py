"""What stands beside a call: the calls whose values it reads, the norms on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modlint.network import Activation, Call, Join, Network, Norm


def calls_behind(network: Network) -> Mapping[str, tuple[str, ...]]:
    """By the name of each call, the calls that make what it reads, through whatever is between.

    In topological order. What goes into a meeting of queries and keys is behind nothing.
    """
    makers: dict[str, dict[str, None]] = {value.name: {} for value in network.values}
    for op in network.operations:
        if isinstance(op, Call):
            makers[op.target] = {op.name: None}
        elif not (isinstance(op, Join) and op.kind == "meeting"):
            for span in op.reads:
                makers[op.target] |= makers[span.value]
    order = {call.name: place for place, call in enumerate(network.calls)}
    behind = {}
    for call in network.calls:
        names = dict.fromkeys(name for span in call.reads for name in makers[span.value])
        behind[call.name] = tuple(sorted(names, key=order.__getitem__))
    return behind


def norms_before(network: Network, call: Call) -> Iterator[Norm]:
    """The norms between a call and what it reads, nearest first, but those straight behind a call.

    The way back ends at calls, joins and inputs.
    """
    seen: set[str] = set()
    waiting = [span.value for span in call.reads]
    while waiting:
        value = waiting.pop(0)
        op = network.makers.get(value)
        if value in seen or not isinstance(op, Norm | Activation):
            continue
        seen.add(value)
        if isinstance(op, Norm) and op.target not in network.folded:
            yield op
        waiting += [span.value for span in op.reads]


def norm_tensors(network: Network, call: Call) -> tuple[str, ...]:
    """Names of the tensors of the norms that scale a call's rows or columns."""
    norms = (*network.norms_after[call.name], *norms_before(network, call))
    return tuple(dict.fromkeys(name for norm in norms for name in norm.tensors))
