"""How norms fold into the calls around them.

`Network.norms_after` says which scale a call's rows; any other scales the columns of the calls that
read it, up to the nearest join.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from modlint.errors import Unavailable
from modlint.neighbours import norms_before
from modlint.network import Activation, Call, Network, Norm
from modlint.numerics.graph.channels import Ints, indices_of, neurons_of, reads_of, rows_of
from modlint.numerics.inputs import Array, Inputs
from modlint.numerics.tensor.arrays import filled, is_finite, on_numpy, wide
from modlint.numerics.tensor.chunks import chunks


class Columns(Struct, frozen=True, eq=False):
    """The columns of a call that read one group, each neuron that a column reads once.

    Attributes:
        group: its name.
        neurons: of the group, (pairs,).
        columns: that read them, (pairs,).
        factors: what the norms between multiply them by, (pairs,) float64 on the device.
    """

    group: str
    neurons: Ints
    columns: Ints
    factors: Array


class Folding:
    """The factors of a network's norms, by call.

    Raises:
        Unavailable: a norm's size contradicts the network.
    """

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self.network = network
        self.inputs = inputs
        self._behind: dict[str, Array] = {}
        for op in network.operations:
            if isinstance(op, Norm | Activation):
                self._behind[op.target] = self._through(op)

    def rows(self, call: Call) -> tuple[Ints, Array]:
        """The neuron of the target's group that each row drives, and the row's factor.

        −1 where a row drives none.
        """
        value = self.network.value(call.target)
        channels = rows_of(call.drives, call.rows)
        factors = self._row_factors(call, value.size)[channels]
        return np.where(channels < 0, -1, neurons_of(value)[channels]), factors

    def columns(self, call: Call) -> tuple[Columns, ...]:
        """What a call's columns read, by group."""
        found: dict[str, list[tuple[Ints, Ints, Array]]] = {}
        for read in reads_of(call.reads):
            value = self.network.value(read.value)
            factors = self._factors(read.value)[read.channels]
            neurons = neurons_of(value)[read.channels]
            found.setdefault(value.group, []).append((neurons, read.columns, factors))
        return tuple(_columns(group, parts) for group, parts in found.items())

    def _row_factors(self, call: Call, size: int) -> Array:
        """By channel of the call's target."""
        factors = filled(size, 1.0, self.inputs.device)
        folded = {norm.target for norm in self.network.norms_after[call.name]}
        value, at = call.target, np.arange(size)
        while folded:
            (op,) = self.network.readers[value]
            (read,) = (read for read in reads_of(op.reads) if read.value == value)
            to = np.full(self.network.value(value).size, -1, np.int64)
            to[read.channels] = read.columns
            at = np.where(at < 0, -1, to[at])
            if isinstance(op, Norm):
                own = norm_elements(op, self.network, self.inputs)
                passed = np.flatnonzero(at >= 0)
                factors = _times(factors, passed, own[at[passed]])
                folded.discard(op.target)
            value = op.target
        return factors

    def _factors(self, value: str) -> Array:
        """By channel, what norms multiply it by since the nearest join, call or input."""
        if value in self._behind:
            return self._behind[value]
        return filled(self.network.value(value).size, 1.0, self.inputs.device)

    def _through(self, op: Norm | Activation) -> Array:
        size = self.network.value(op.target).size
        factors = filled(size, 1.0, self.inputs.device)
        for read in reads_of(op.reads):
            if read.value in self._behind:
                factors = _times(factors, read.columns, self._behind[read.value][read.channels])
        if isinstance(op, Norm) and op.target not in self.network.folded:
            factors = factors * norm_elements(op, self.network, self.inputs)
        return factors


def _times(factors: Array, places: Ints, others: Array) -> Array:
    """The factors with those at some places multiplied."""
    if len(places) == len(factors) and (places == np.arange(len(places))).all():
        return factors * others
    whole = filled(len(factors), 1.0, "cpu" if on_numpy(factors) else factors.device)
    if on_numpy(whole):
        whole[places] = others
    else:
        whole = whole.index_put((_on(places, whole),), others)
    return factors * whole


def _on(places: Ints, like: Array) -> Array:
    import torch

    return torch.from_numpy(places).to(like.device)


def _columns(group: str, parts: list[tuple[Ints, Ints, Array]]) -> Columns:
    """A group's columns; of several channels of one neuron in one column the first counts."""
    neurons, columns = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    width = int(columns.max(initial=0)) + 1
    _, first = np.unique(neurons * width + columns, return_index=True)
    factors = [part[2] for part in parts]
    if on_numpy(factors[0]):
        together: Array = np.concatenate(factors)
    else:
        import torch

        together = torch.cat(factors)
    return Columns(group, neurons[first], columns[first], together[first])


def norm_elements(norm: Norm, network: Network, inputs: Inputs) -> Array:
    """The factor of each channel of a norm's target: (channels,) float64.

    Raises:
        Unavailable: the tensors' sizes contradict the network.
    """
    return by_element(norm_factors(norm, inputs), norm, network)


def by_element(values: Array, norm: Norm, network: Network) -> Array:
    """A norm's tensor, flat, by channel of its target.

    Raises:
        Unavailable: its size contradicts the network.
    """
    size = network.value(norm.target).size
    if len(values) == 1:
        return values[np.zeros(size, np.int64)]
    elements = indices_of(norm.elements)
    if len(elements) != size or int(elements.max(initial=-1)) >= len(values):
        raise Unavailable(
            f"a norm of {len(values)} elements ({', '.join(norm.tensors)}) does not scale the "
            f"{size} channels that the network says"
        )
    return values[elements]


def norm_factors(norm: Norm, inputs: Inputs) -> Array:
    """The factor of each element: (elements,) or (1,) float64.

    γ/√(σ² + ε) of a batch norm, γ of a norm whose statistics depend on the data.
    """
    scale = part(norm.scale, inputs, 1.0)
    if norm.scale is not None and norm.offset:
        scale = scale + norm.offset
    if norm.kind == "batch" and norm.variance is not None:
        return scale / (part(norm.variance, inputs, 1.0) + norm.epsilon) ** 0.5
    return scale


def part(name: str | None, inputs: Inputs, default: float) -> Array:
    """A norm's or a bias' tensor, flat in float64; of one element `default` where there is none."""
    if name is None:
        return filled(1, default, inputs.device)
    return wide(inputs.weight(name).reshape(-1)).real


def blame(call: Call, network: Network, inputs: Inputs) -> str:
    """Which tensor of a call, of which some edge is not finite, makes it so."""
    norms = (*network.norms_after[call.name], *norms_before(network, call))
    of_norms = (name for norm in norms for name in norm.tensors)
    for name in dict.fromkeys((call.weight, *of_norms)):
        if not _all_finite(inputs.weight(name)):
            return f"layer {call.name!r}: tensor {name!r} holds NaN or infinity"
    return f"layer {call.name!r}: its weights are not finite once its norms are folded"


def _all_finite(values: Array) -> bool:
    return all(is_finite(chunk.floats) for chunk in chunks(values))
