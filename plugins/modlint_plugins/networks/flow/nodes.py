"""What a tracer notes: nodes, each with channels of its own and the labels that they come from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from modlint.network import CallKind, JoinKind, Layout, NormKind
from modlint.verdict import Confidence
from modlint_plugins.networks.flow.labels import LabelArray

Pairs = tuple[LabelArray, NDArray[np.int64]]
"""Labels, and the column (of a call) or channel (of another node) that reads each of them."""


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """A weight as a layer uses it.

    Attributes:
        tensor: its name in the file.
        layout: where the kernels lie in it, None where they are computed.
        rows: rows of the kernels.
        columns: columns, of all groups together.
        groups: groups of a grouped convolution.
        bias: name of the bias.
        row_of: for each row the channel that it drives; None for its own.
        channels: channels that the rows drive.
    """

    tensor: str
    layout: Layout | None
    rows: int
    columns: int
    groups: int = 1
    bias: str | None = None
    row_of: NDArray[np.int64] | None = None
    channels: int | None = None

    @property
    def size(self) -> int:
        """Channels that it makes."""
        return self.rows if self.channels is None else self.channels


@dataclass(frozen=True, kw_only=True)
class NormTensors:
    """The tensors of a norm, by name, and what is not in them."""

    kind: NormKind
    scale: str | None = None
    shift: str | None = None
    mean: str | None = None
    variance: str | None = None
    epsilon: float = 1e-5
    offset: float = 0.0
    groups: int = 1


@dataclass(kw_only=True, eq=False)
class Node:
    """Channels that one operation makes.

    Attributes:
        name: of the layer, or what the front end calls it.
        size: number of channels.
        base: label of the first.
        is_output: the network's result.
        exposed: something reads it that was not followed.
        altered: some reader gets other numbers than its operation makes.
    """

    name: str
    size: int
    base: int
    is_output: bool = False
    exposed: bool = False
    altered: bool = False

    @property
    def labels(self) -> LabelArray:
        """Its labels, (size,)."""
        return np.arange(self.base, self.base + self.size)


@dataclass(kw_only=True, eq=False)
class InputNode(Node):
    """Channels that no followed operation makes."""


@dataclass(kw_only=True, eq=False)
class CallNode(Node):
    """Channels that a weight makes; `reads` are labels by column."""

    kind: CallKind
    weight: Weighted
    reads: list[Pairs] = field(default_factory=list)
    delay: int = 0
    confidence: Confidence = Confidence.HIGH
    unread: str | None = None  # why its columns are not known


@dataclass(kw_only=True, eq=False)
class PointNode(Node):
    """Channels each of which comes of one other: a norm or an activation, with its elements."""

    operand: LabelArray
    norm: NormTensors | None = None
    elements: NDArray[np.int64] | None = None
    activation: str | None = None
    slope: str | None = None


@dataclass(kw_only=True, eq=False)
class JoinNode(Node):
    """Channels each of which comes of several.

    Attributes:
        kind: how.
        operands: what each operand gives.
        heads: parts of a meeting that are kept apart.
        parts: of a statistic, the channels that it is of.
        apart: channels that are broadcast over several of one node (one gate of many channels):
            these are no one neuron.
    """

    kind: JoinKind
    operands: list[Pairs]
    heads: int = 1
    parts: LabelArray | None = None
    apart: LabelArray | None = None
