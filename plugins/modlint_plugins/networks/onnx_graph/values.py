"""What a value of the graph can be while the builder walks it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from modlint.checkpoint import Tensor
from modlint.network import LayerKind, Norm
from modlint_plugins.networks.onnx_graph.nodes import Node

Columns = Literal["unit", "channel-major", "position-major"]


class Stop(Exception):
    """The network cannot be rebuilt; `str` is the reason, which names the node."""

    def __init__(self, node: Node, problem: str) -> None:
        super().__init__(f"{node.title} {problem}")


class Input(Struct, frozen=True):
    """A graph's input, whose neurons are counted when the first layer reads it.

    Attributes:
        name: name of the graph's input.
        shape: its sizes, None where unknown; None altogether where the rank is.
    """

    name: str
    shape: tuple[int | None, ...] | None


class Signal(Struct, frozen=True):
    """Activations of one group of neurons.

    Attributes:
        group: key of the group: the name of the value that brought it up.
        rank: number of axes.
        axis: the axis along which the neurons lie; None once it was squeezed away.
        columns: "unit" where that axis has one entry per neuron; else the order in which the
            flattened positions of the neurons lie on it.
        norms: norms since the activation, in the order of the data.
        driver: key of the layer whose activation has not come yet.
        direct: nothing but per-neuron maps came since the driver.
        pooled: each neuron is known to have one position only.
    """

    group: str
    rank: int
    axis: int | None
    columns: Columns = "unit"
    norms: tuple[Norm, ...] = ()
    driver: str | None = None
    direct: bool = False
    pooled: bool = False


class Constant(Struct, frozen=True):
    """A tensor of the file, perhaps reshaped or transposed on its way.

    Attributes:
        name: its name among the checkpoint's tensors, None where it is not one.
        tensor: the tensor.
        shape: its shape here.
        transposed: whether its two axes were swapped.
    """

    name: str | None
    tensor: Tensor
    shape: tuple[int, ...]
    transposed: bool = False


class Integers(Struct, frozen=True):
    """A shape, or a part of one; sizes that depend on the input are None."""

    values: tuple[int | None, ...]
    scalar: bool = False


class Computed(Struct, frozen=True):
    """A constant that a node computes and the builder does not."""

    node: Node


class Ended(Struct, frozen=True):
    """What cannot be followed further: fine behind the last layer, else the reason to stop.

    Attributes:
        stop: the node that could not be followed, and why.
    """

    stop: Stop


Value = Input | Signal | Constant | Integers | Computed | Ended


class Draft(Struct):
    """A layer while what follows it is not yet known; the fields are those of `Layer`.

    Its key, and that of the group it drives, is the name of its node's output.
    """

    node: Node
    kind: LayerKind
    shape: tuple[int, ...]
    source: str
    weight: str
    bias: str | None = None
    transposed: bool = False
    groups: int = 1
    columns_per_unit: int = 1
    channels_last: bool = False
    input_norms: tuple[Norm, ...] = ()
    output_norms: list[Norm] = field(default_factory=list)
    activation: str | None = "identity"
