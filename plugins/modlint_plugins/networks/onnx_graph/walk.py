"""The walk over one network: each value of the graph becomes a signal, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from msgspec import Struct, field
from msgspec.structs import replace

from modlint.network import Group, GroupRole, Layer, LayerKind, Network, Norm
from modlint.verdict import Confidence
from modlint_plugins.networks.onnx_graph import constants
from modlint_plugins.networks.onnx_graph.naming import layer_name
from modlint_plugins.networks.onnx_graph.nodes import Node
from modlint_plugins.networks.onnx_graph.reasons import BARRIERS, TYING, WEIGHTED, branches, problem
from modlint_plugins.networks.onnx_graph.values import (
    Computed,
    Constant,
    Draft,
    Ended,
    Input,
    Signal,
    Stop,
    Value,
)
from modlint_plugins.networks.unique import unique

Handler = Callable[["Walk", Node], Value]


class Walk(Struct):
    """What is known so far of a network.

    Attributes:
        values: what each value of the graph is.
        readers: by value, how many nodes and graph outputs read it; those that only ask for its
            shape do not count.
        groups: sizes of the groups of neurons, by key: the name of a graph's input, or of the
            output of a layer's node.
        layers: layers so far, by the key of the group that they drive.
        remarks: assumptions that were made.
        norms: norms that did not fold into the layer in front of them.
        exposed: keys of the groups that something besides layers reads.
    """

    values: dict[str, Value]
    readers: Mapping[str, int]
    groups: dict[str, int] = field(default_factory=dict)
    layers: dict[str, Draft] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    norms: list[Norm] = field(default_factory=list)
    exposed: set[str] = field(default_factory=set)

    def visit(self, node: Node, handlers: Mapping[str, Handler]) -> None:
        """Find out what a node gives.

        Raises:
            Stop: the network cannot be rebuilt.
        """
        result = self._result(node, handlers)
        for name in filter(None, node.outputs):
            self.values[name] = result

    def _result(self, node: Node, handlers: Mapping[str, Handler]) -> Value:
        inputs = [self.values.get(name) for name in node.reads]
        data = [value for value in inputs if isinstance(value, Input | Signal | Ended)]
        if not data:
            return constants.fold(node, [self.values.get(name) for name in node.inputs])
        if node.domain or node.op in BARRIERS:
            raise Stop(node, problem(node.op, node.domain))
        ended = next((value for value in data if isinstance(value, Ended)), None)
        if ended is None:
            try:
                return self._handled(node, handlers)
            except Stop as stop:
                ended = Ended(stop)
        ties = node.op in TYING and len(data) > 1
        holds = any(isinstance(value, Constant) and len(value.shape) > 1 for value in inputs)
        if ties or holds or node.op in WEIGHTED:
            raise ended.stop
        for value in data:
            self.expose(value)
        return ended

    def expose(self, value: Value | None) -> None:
        """Note that something besides the network's layers reads a value."""
        if isinstance(value, Signal):
            self.exposed.add(value.group)

    def _handled(self, node: Node, handlers: Mapping[str, Handler]) -> Value:
        if node.op not in handlers:
            raise Stop(node, problem(node.op, node.domain))
        return handlers[node.op](self, node)

    def operand(self, node: Node, index: int) -> Value | None:
        """A node's input, None where it is left out."""
        name = node.inputs[index] if index < len(node.inputs) else ""
        return self.values.get(name) if name else None

    def data(self, node: Node, index: int = 0) -> Input | Signal:
        """A node's input that must hold activations.

        Raises:
            Stop: it holds something else.
        """
        value = self.operand(node, index)
        if isinstance(value, Input | Signal):
            return value
        raise Stop(node, f"({node.op}) does not read activations where it should")

    def sole_data(self, node: Node) -> tuple[Input | Signal, list[Value | None]]:
        """The only input of a node that holds activations, and its other inputs.

        Raises:
            Stop: several inputs hold activations.
        """
        values = [self.operand(node, index) for index in range(len(node.inputs))]
        data = [value for value in values if isinstance(value, Input | Signal)]
        if len(data) != 1:
            raise Stop(node, branches(node.op))
        return data[0], [value for value in values if value is not data[0]]

    def weight(self, node: Node, index: int) -> Constant:
        """A node's input that must be a tensor of the file.

        Raises:
            Stop: it is computed from data or by another node, or could not be read.
        """
        value = self.operand(node, index)
        if isinstance(value, Constant) and value.name is not None:
            return value
        if isinstance(value, Input | Signal):
            raise Stop(node, branches(node.op))
        if isinstance(value, Computed):
            raise Stop(node, f"({node.op}) takes a weight that {value.node.title} computes")
        raise Stop(node, f"({node.op}) takes a weight that the file does not hold")

    def tensor_names(self, node: Node, first: int, size: int) -> list[str | None]:
        """Names of a norm's tensors, which are the inputs from `first` on.

        Raises:
            Stop: one of them has another size than `size`.
        """
        names: list[str | None] = []
        for index in range(first, len(node.inputs)):
            if not node.inputs[index]:
                names.append(None)
                continue
            part = self.weight(node, index)
            if part.tensor.elements != size:
                raise Stop(
                    node,
                    f"({node.op}) has {part.tensor.elements:,} parameters for {size:,} neurons",
                )
            names.append(part.name)
        return names

    def entered(self, node: Node, data: Input | Signal, neurons: int, rank: int) -> Signal:
        """The signal of a layer's or norm's input; a graph's input gets its neurons here.

        Raises:
            Stop: another layer reads the same input as a different number of neurons.
        """
        if isinstance(data, Signal):
            return data
        if self.groups.setdefault(data.name, neurons) != neurons:
            raise Stop(
                node,
                f"reads the input {data.name!r} as {neurons:,} neurons, "
                f"an earlier layer as {self.groups[data.name]:,}",
            )
        return Signal(data.name, rank, None)

    def add_layer(
        self,
        node: Node,
        kind: LayerKind,
        weight: Constant,
        source: Signal,
        out: int,
        *,
        axis: int,
        bias: str | None = None,
        transposed: bool = False,
        groups: int = 1,
        columns: int = 1,
    ) -> Signal:
        """Add a layer of `out` neurons; gives their signal, with the neurons along `axis`."""
        key = node.output
        self.groups[key] = out
        self.layers[key] = Draft(
            node,
            kind,
            weight.shape[::-1] if weight.transposed else weight.shape,
            source.group,
            str(weight.name),
            bias,
            transposed,
            groups,
            columns,
            channels_last=source.columns == "position-major" and columns > 1,
            input_norms=source.norms[::-1],
        )
        return Signal(key, source.rank, axis, driver=key, direct=True)

    def add_norm(self, node: Node, signal: Signal, norm: Norm) -> Signal:
        """Put a norm behind a signal.

        One that is a fixed map and stands directly behind a layer folds into that layer. Any
        other folds into the layers that read it.
        """
        size = self.groups[signal.group]
        foldable = norm.kind in ("batch", "affine") and norm.size == size
        alone = self.readers.get(self._data_name(node), 0) == 1
        if signal.direct and signal.driver and foldable and alone:
            self.layers[signal.driver].output_norms.append(norm)
            return signal
        self.norms.append(norm)
        return replace(signal, norms=(*signal.norms, norm), direct=False)

    def add_activation(self, signal: Signal, name: str | None) -> Signal:
        """Put an activation behind a signal; None for one that has no name."""
        if signal.driver is None:
            return signal
        draft = self.layers[signal.driver]
        agreed = draft.activation in ("identity", name) and not signal.norms
        draft.activation = name if agreed else None
        return replace(signal, driver=None, direct=False)

    def add_bias(self, node: Node, signal: Signal, name: str) -> bool:
        """Take a tensor as the bias of the layer directly before, where there is none yet."""
        alone = self.readers.get(self._data_name(node), 0) == 1
        if signal.driver is None or not signal.direct or not alone:
            return False
        draft = self.layers[signal.driver]
        if draft.bias is not None or draft.output_norms:
            return False
        draft.bias = name
        return True

    def _data_name(self, node: Node) -> str:
        """Name of the node's input that holds activations."""
        held = (name for name in node.inputs if isinstance(self.values.get(name), Input | Signal))
        return next(held, "")

    def network(self) -> Network:
        """The network, once every node was visited; its id is still to be given."""
        names = self._names()
        read = {draft.source for draft in self.layers.values()}
        groups = (self._group(key, names[key], read) for key in names)
        folded = {norm for draft in self.layers.values() for norm in draft.input_norms}
        return Network(
            "",
            source="graph",
            confidence=Confidence.HIGH,
            groups=tuple(groups),
            layers=tuple(self._layer(key, names) for key in self.layers),
            final_norms=tuple(norm for norm in self.norms if norm not in folded),
            remarks=tuple(dict.fromkeys(self.remarks)),
        )

    def _names(self) -> dict[str, str]:
        """Final names of the groups by key; a layer and the group it drives share theirs."""
        wanted = [
            layer_name(draft.weight, draft.bias, draft.node.name, draft.node.op)
            if (draft := self.layers.get(key)) is not None
            else key
            for key in self.groups
        ]
        return dict(zip(self.groups, unique(wanted), strict=True))

    def _group(self, key: str, name: str, read: Set[str]) -> Group:
        role: GroupRole = "input"
        if key in self.layers:
            role = "hidden" if key in read else "output"
        return Group(name, self.groups[key], role, role == "hidden" and key in self.exposed)

    def _layer(self, key: str, names: Mapping[str, str]) -> Layer:
        draft = self.layers[key]
        return Layer(
            name=names[key],
            kind=draft.kind,
            shape=draft.shape,
            source=names[draft.source],
            target=names[key],
            inputs=(names[draft.source],) if draft.source in self.layers else (),
            weight=draft.weight,
            bias=draft.bias,
            transposed=draft.transposed,
            groups=draft.groups,
            columns_per_unit=draft.columns_per_unit,
            channels_last=draft.channels_last,
            input_norms=draft.input_norms,
            output_norms=tuple(draft.output_norms),
            activation=draft.activation,
        )
