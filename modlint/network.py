"""A network as a graph builder rebuilds it: values, the operations between them, groups of neurons.

A *value* is what stands at one point of the network: a number for each of its channels. An
*operation* makes one value of others: a *call* reads a weight, a *join* adds or multiplies, a
*norm* scales each channel, an *activation* bends it. Channels that are added or multiplied with
one another are the same *neuron*; neurons stand in *groups*.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from modlint.verdict import Confidence

CallKind = Literal["linear", "conv", "conv-transpose", "embedding", "recurrent"]
GroupRole = Literal["input", "hidden", "output"]
JoinKind = Literal["sum", "product", "meeting", "statistic"]
NormKind = Literal["batch", "layer", "group", "rms", "affine"]
NetworkSource = Literal[
    "graph", "exported-program", "torchscript", "architecture", "module-tree", "names"
]

ZERO_AT_ZERO = frozenset(
    {"relu", "relu6", "leakyrelu", "prelu", "elu", "silu", "swish", "gelu", "tanh", "identity"}
    | {"square", "polynomial"}
)
"""Activations that give zero for zero: a factor without weights in and bias stays zero."""

OFFSET = "offset"
"""Named where a constant is added to all channels: zeros do not stay zeros."""

RELU_LIKE = frozenset({"relu", "relu6", "clip-at-zero"})
"""Activations whose output is constant for every pre-activation that is not positive."""


FIXED = frozenset({"batch", "affine"})
"""Norms that are the same map for all data."""


class Span(Struct, frozen=True):
    """Channels of a value, and which columns (or rows) of a reader are theirs.

    Channel `channels[i]` has the columns `start + i·stride + j·step` for j = 0 … each − 1. So a
    flattened image of n channels and p positions is one span: stride p and step 1 where a
    channel's positions lie together, stride 1 and step n where a position's channels do.
    Several spans of one operation may have columns in common: such a column reads them all.

    Attributes:
        value: name of the value.
        channels: which, in the value's order.
        start: column of the first.
        stride: from the first column of a channel to that of the next.
        each: columns of one channel.
        step: between the columns of one channel.
    """

    value: str
    channels: range
    start: int = 0
    stride: int = 1
    each: int = 1
    step: int = 1

    @property
    def is_plain(self) -> bool:
        """Whether each channel has one column and these lie side by side, in order."""
        return self.each == 1 and self.stride == 1 and self.channels.step == 1

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every (channel, column)."""
        for i, channel in enumerate(self.channels):
            first = self.start + i * self.stride
            for j in range(self.each):
                yield channel, first + j * self.step


class Layout(Struct, frozen=True):
    """Where a weight's entries are in the tensor that stores them.

    The kernels that a call computes with are a strided view of the stored elements in row-major
    order, in elements: `shape` is (groups, rows of a group, columns of a group, kernel positions).
    """

    offset: int
    shape: tuple[int, int, int, int]
    strides: tuple[int, int, int, int]


class Call(Struct, frozen=True):
    """A weight, read once: y = W x (+ b), by channel.

    A convolution's channels are its rows and columns; its kernel positions are the last axis of
    the layout. Group g of a grouped convolution has the columns g·(columns/groups) and on, and
    the rows g·(rows/groups) and on.

    Attributes:
        name: the layer's name in the file ("fc1"; an ONNX node's name), unique in the network.
        kind: what it computes; an embedding's columns are its entries (the vocabulary).
        weight: name of the weight tensor; tied weights are one tensor that several calls read.
        layout: how the kernels lie in it; None where they are computed from it in a way that is
            not followed (a standardised weight): its channels are known, its entries are not.
        rows: number of rows.
        columns: number of columns.
        reads: what its columns read; a column in none reads nothing that is known. Empty for an
            embedding, whose columns are the entries.
        target: the value that it makes.
        drives: which rows make each channel of the target: several of a recurrent layer's gates;
            their strengths are added. All spans name the target.
        bias: name of the bias tensor, if any, one element a row.
        delay: time steps that lie between what it reads and what it makes: 1 where a recurrent
            layer reads its own state, else 0.
        confidence: how sure the builder is of what it reads.
    """

    name: str
    kind: CallKind
    weight: str
    layout: Layout | None
    rows: int
    columns: int
    reads: tuple[Span, ...]
    target: str
    drives: tuple[Span, ...]
    bias: str | None = None
    delay: int = 0
    confidence: Confidence = Confidence.HIGH

    @property
    def groups(self) -> int:
        """Groups of a grouped convolution, else 1."""
        return 1 if self.layout is None else self.layout.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns of a group, and kernel positions where there are more than one."""
        if self.layout is None:
            return (self.rows, self.columns)
        _, _, fan_in, positions = self.layout.shape
        return (self.rows, fan_in) if positions == 1 else (self.rows, fan_in, positions)

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of its tensors."""
        return (self.weight,) if self.bias is None else (self.weight, self.bias)


class Norm(Struct, frozen=True):
    """A scale and a shift for each channel, after a normalisation or alone.

    y = (x − mean)/√(variance + epsilon) · scale + shift; each part is a tensor's name or None. In
    all kinds but "batch" and "affine" mean and variance are those of the data.

    Attributes:
        kind: which normalisation; "affine" for none.
        reads: the channels that it scales, by channel of the target.
        target: the value that it makes.
        elements: for each channel of the target, which element of the tensors is its own: runs,
            one after the other. A tensor of one element serves all.
        offset: added to the scale (1 where the file stores γ − 1).
        groups: groups of channels whose statistics are taken together, of a group norm.
    """

    kind: NormKind
    reads: tuple[Span, ...]
    target: str
    elements: tuple[range, ...]
    scale: str | None = None
    shift: str | None = None
    mean: str | None = None
    variance: str | None = None
    epsilon: float = 1e-5
    offset: float = 0.0
    groups: int = 1

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of its tensors."""
        parts = (self.scale, self.shift, self.mean, self.variance)
        return tuple(name for name in parts if name is not None)


class Activation(Struct, frozen=True):
    """A function of each channel alone.

    Attributes:
        name: ONNX's name in lower case ("relu"), `OFFSET` where a constant is added, or "unknown"
            where a file does not tell.
        reads: the channels that it is applied to, by channel of the target.
        target: the value that it makes.
        slope: name of the tensor of a PReLU's slopes, where these are known.
        elements: for each channel of the target, which element of the slopes is its own: runs.
    """

    name: str
    reads: tuple[Span, ...]
    target: str
    slope: str | None = None
    elements: tuple[range, ...] = ()

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of its tensors."""
        return () if self.slope is None else (self.slope,)


class Join(Struct, frozen=True):
    """Channels that meet.

    Attributes:
        kind: "sum" and "product" of what is added or multiplied channel by channel: one neuron,
            which a product switches off as soon as one factor is zero. What is broadcast over
            several channels (one gate of many) is a neuron of its own. "meeting": products that
            are summed over channels (queries with keys): channels that meet are one neuron, and
            what comes of them is not followed. "statistic": one channel of many (a mean over
            channels), which are not one neuron.
        operands: for each operand the channels that it gives, by channel of the target.
        target: the value that it makes.
        heads: parts of a meeting that are kept apart.
    """

    kind: JoinKind
    operands: tuple[tuple[Span, ...], ...]
    target: str
    heads: int = 1

    @property
    def reads(self) -> tuple[Span, ...]:
        """What it reads, all operands together."""
        return tuple(span for spans in self.operands for span in spans)

    @property
    def tensors(self) -> tuple[str, ...]:
        """None."""
        return ()


Operation = Call | Norm | Activation | Join


class Value(Struct, frozen=True):
    """What stands at one point of the network.

    Attributes:
        name: unique in the network.
        size: number of channels.
        group: name of the group in which its neurons are.
        neurons: which neuron of the group each channel is: runs, one after the other.
        is_input: no operation makes it: the network's input, or what comes from a part that was
            not followed.
        is_output: the network's result.
        exposed: something reads it that is not in the network.
        altered: some reader gets other numbers than its operation makes: a scale without a tensor,
            a sum over positions, an attention lies between. Bounds do not hold there.
    """

    name: str
    size: int
    group: str
    neurons: tuple[range, ...]
    is_input: bool = False
    is_output: bool = False
    exposed: bool = False
    altered: bool = False


class Group(Struct, frozen=True):
    """Neurons that stand side by side: units of a layer, channels, a residual stream, inputs.

    Attributes:
        name: of the first call that drives it, else of its value; unique in the network.
        size: number of neurons.
        role: "input" where no call drives it, "output" where each neuron is a result and no call
            reads it, else "hidden".
        exposed: some neuron is a result, or something reads it that is not in the network.
        heads: equal parts, one after the other, within which neurons may change places: heads of
            an attention, those of queries and keys and those of values.
    """

    name: str
    size: int
    role: GroupRole
    exposed: bool = False
    heads: int = 1


class Unplaced(Struct, frozen=True):
    """A weight that stands in no network, and why.

    Attributes:
        tensor: its name.
        reason: what was not followed, in a clause.
    """

    tensor: str
    reason: str


class Network(Struct, frozen=True, dict=True):
    """A network that the file holds, or the reason why none could be rebuilt.

    Attributes:
        id: unique in the file ("0", "generator", "ema").
        source: how it was obtained; None where it was not.
        confidence: how sure the builder is of the structure: the least of its calls'.
        groups: groups of neurons, in topological order.
        values: values, in topological order.
        operations: calls, norms, activations and joins, in topological order but for what a
            delayed call reads.
        blocks: names of repeated parts ("layers.0"), by which calls' names begin.
        reason: why there is no network, None where there is one.
        failed: whether there should be one: its builder failed, or met a limit.
        remarks: assumptions that a reader of the report should know.
    """

    id: str
    source: NetworkSource | None = None
    confidence: Confidence | None = None
    groups: tuple[Group, ...] = ()
    values: tuple[Value, ...] = ()
    operations: tuple[Operation, ...] = ()
    blocks: tuple[str, ...] = ()
    reason: str | None = None
    failed: bool = False
    remarks: tuple[str, ...] = ()

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls, in topological order."""
        return tuple(op for op in self.operations if isinstance(op, Call))

    @property
    def neurons(self) -> int:
        """Number of neurons over all groups, inputs and outputs included."""
        return sum(group.size for group in self.groups)

    @cached_property
    def connections(self) -> int:
        """Number of pairs of neurons that calls connect, each call's for itself."""
        return sum(_connections(call) for call in self.calls)

    @cached_property
    def _groups(self) -> dict[str, Group]:
        return {group.name: group for group in self.groups}

    @cached_property
    def _values(self) -> dict[str, Value]:
        return {value.name: value for value in self.values}

    def group(self, name: str) -> Group:
        """The group called `name`.

        Raises:
            KeyError: there is none.
        """
        return self._groups[name]

    def value(self, name: str) -> Value:
        """The value called `name`.

        Raises:
            KeyError: there is none.
        """
        return self._values[name]

    @cached_property
    def makers(self) -> dict[str, Operation]:
        """By the name of a value, the operation that makes it; inputs have none."""
        return {op.target: op for op in self.operations}

    @cached_property
    def readers(self) -> dict[str, tuple[Operation, ...]]:
        """By the name of a value, the operations that read it, in topological order."""
        found: dict[str, dict[int, Operation]] = {value.name: {} for value in self.values}
        for place, op in enumerate(self.operations):
            for span in op.reads:
                found[span.value][place] = op
        return {name: tuple(ops.values()) for name, ops in found.items()}

    @cached_property
    def norms_after(self) -> dict[str, tuple[Norm, ...]]:
        """By the name of a call, the norms that scale its rows, nearest first.

        Fixed maps (batch norms, scales) straight behind it; and of what goes into a join alone, all
        norms on the way there. Any other scales the columns of what reads it.
        """
        return {call.name: self._scaling(call) for call in self.calls}

    def _scaling(self, call: Call) -> tuple[Norm, ...]:
        straight, later, fixed = list[Norm](), list[Norm](), True
        value = call.target
        while (op := self._only_reader(value)) is not None:
            fixed &= isinstance(op, Norm) and op.kind in FIXED
            if isinstance(op, Norm):
                (straight if fixed else later).append(op)
            value = op.target
        return (*straight, *later) if self._is_joined(value) else tuple(straight)

    def _only_reader(self, value: str) -> Norm | Activation | None:
        """The norm or activation that alone reads a value, each channel once."""
        readers, stands = self.readers[value], self.value(value)
        if len(readers) != 1 or stands.is_output or stands.exposed:
            return None
        (op,) = readers
        if not isinstance(op, Norm | Activation):
            return None
        channels = [c for span in op.reads if span.value == value for c in span.channels]
        return op if len(set(channels)) == len(channels) else None

    def _is_joined(self, value: str) -> bool:
        """Whether nothing but joins reads a value."""
        readers, stands = self.readers[value], self.value(value)
        joins = [op for op in readers if isinstance(op, Join) and op.kind != "statistic"]
        alone = len(joins) == len(readers) > 0
        return alone and not (stands.is_output or stands.exposed)

    @cached_property
    def folded(self) -> frozenset[str]:
        """Names of the values that norms make which scale rows."""
        return frozenset(norm.target for norms in self.norms_after.values() for norm in norms)

    @cached_property
    def streams(self) -> frozenset[str]:
        """Names of the groups that branches are added to: residual streams.

        What is added to has other readers, the branch among them.
        """
        return frozenset(
            self.value(op.target).group
            for op in self.operations
            if isinstance(op, Join)
            and op.kind == "sum"
            and any(len(self.readers[span.value]) > 1 for span in op.reads)
        )

    def activation_of(self, call: Call) -> str | None:
        """What follows a call, by name; "identity" for none, None where the file does not tell."""
        value = call.target
        while len(readers := self.readers[value]) == 1:
            (op,) = readers
            if isinstance(op, Activation) and op.name != OFFSET:
                return None if op.name == "unknown" else op.name
            if not isinstance(op, Norm | Activation):
                break
            value = op.target
        return "identity"

    def with_activation(self, activation: str | None) -> Network:
        """The same network with `activation` of hidden neurons where the file does not tell it."""
        if activation is None:
            return self
        hidden = {group.name for group in self.groups if group.role == "hidden"}
        operations = tuple(
            replace(op, name=activation)
            if isinstance(op, Activation)
            and op.name == "unknown"
            and self.value(op.target).group in hidden
            else op
            for op in self.operations
        )
        return replace(self, operations=operations)

    @cached_property
    def tensors(self) -> frozenset[str]:
        """Names of all tensors that belong to some operation."""
        return frozenset(name for op in self.operations for name in op.tensors)


def _connections(call: Call) -> int:
    """Pairs of a driven and a read channel; an embedding's entries are no neurons."""
    read = sum(len(span.channels) for span in call.reads)
    driven = sum(len(span.channels) for span in call.drives)
    return read * driven // call.groups
