"""ONNX models, healthy and broken: what onnx.helper writes, and mutants of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from onnx import TensorProto, helper, numpy_helper

from modlint_plugins.readers.onnx.wire import BYTES, write_varint

FLOAT = TensorProto.FLOAT
WEIGHT = numpy_helper.from_array(np.ones((3, 3), np.float32), "w")
CONDITION = numpy_helper.from_array(np.array(True), "c")


def field(number: int, payload: bytes) -> bytes:
    """A field of protobuf's that holds bytes."""
    return write_varint(number << 3 | BYTES) + write_varint(len(payload)) + payload


def value(name: str, kind: int = FLOAT, shape: Sequence[int | str] | None = (2, 3)) -> Any:
    """A value of a type and a shape, (2, 3) where nothing else is said."""
    return helper.make_tensor_value_info(name, kind, shape)


def untyped(name: str) -> Any:
    """A value of which only the name is said."""
    return onnx.ValueInfoProto(name=name)


def node(operator: str, inputs: str, outputs: str, name: str = "", **attributes: Any) -> Any:
    """A node; inputs and outputs apart by blanks, "-" for one that is left out."""
    ends = [[n.replace("-", "") for n in names.split()] for names in (inputs, outputs)]
    return helper.make_node(operator, *ends, name=name, **attributes)


def array(name: str, *values: Any, dtype: Any = np.int64) -> TensorProto:
    """An initialiser of integers, of one axis."""
    return numpy_helper.from_array(np.array(values, dtype), name)


def model(
    *nodes: Any,
    inputs: Sequence[Any] = (value("x"),),
    outputs: Sequence[Any] = (value("y"),),
    tensors: Sequence[Any] = (),
    values: Sequence[Any] = (),
    functions: Sequence[Any] = (),
    opsets: dict[str, int] | None = None,
    opset: int = 17,
    name: str = "g",
) -> onnx.ModelProto:
    """A model of one graph, from x to y."""
    graph = helper.make_graph(
        list(nodes), name, list(inputs), list(outputs), list(tensors), value_info=list(values)
    )
    imports = [helper.make_opsetid(d, v) for d, v in {"": opset, **(opsets or {})}.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, functions=list(functions))


def branch(*nodes: Any, outputs: str = "b", name: str = "branch", **rest: Any) -> Any:
    """A subgraph without inputs."""
    ends = [value(output) for output in outputs.split()]
    return helper.make_graph(list(nodes), name, rest.pop("inputs", []), ends, **rest)


OTHER = branch(node("Abs", "x", "b"))


def choice(then: Any, otherwise: Any = OTHER, name: str = "") -> Any:
    """An If from c to y."""
    return node("If", "c", "y", name, then_branch=then, else_branch=otherwise)


def body(*nodes: Any, carried: str = "v", given: str = "vo") -> Any:
    """The body of a Loop that carries one value."""
    inputs = [value("it", TensorProto.INT64, ()), value("ci", TensorProto.BOOL, ())]
    outputs = [value("co", TensorProto.BOOL, ()), value(given)]
    keep = node("Identity", "ci", "co", "keep")
    return helper.make_graph([*nodes, keep], "body", [*inputs, value(carried)], outputs)


def function(
    *nodes: Any, name: str = "f", inputs: str = "a", outputs: str = "b", **rest: Any
) -> Any:
    """A function of the domain "own"."""
    opsets = rest.pop("opsets", {"": 17, "own": 1})
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    domain = rest.pop("domain", "own")
    ends = inputs.split(), outputs.split()
    return helper.make_function(domain, name, *ends, list(nodes), imports, **rest)


def seeds() -> Iterator[onnx.ModelProto]:
    """Healthy models that between them use most of what the format has."""
    bias = numpy_helper.from_array(np.ones(3, np.float32), "bias")
    yield model(
        node("Relu", "x", "h", "a"),
        node("MatMul", "h w", "i", "b"),
        node("Add", "i bias", "j", "c"),
        node("Softmax", "j", "y", "d", axis=1),
        tensors=[WEIGHT, bias],
        values=[value("h"), value("i", shape=("n", 3))],
    )
    yield model(
        node("Conv", "x k", "h", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", "h", "p", "b"),
        node("Flatten", "p", "f", "c"),
        node("Gemm", "f g", "y", "d", transB=1),
        inputs=[value("x", shape=("n", 3, 8, 8))],
        outputs=[value("y", shape=("n", 2))],
        tensors=[
            array("k", *np.ones((4, 3, 3, 3)), dtype=np.float32),
            array("g", *np.ones((2, 4)), dtype=np.float32),
        ],
    )
    yield model(
        node("Relu", "x", "h", "p"),
        choice(
            branch(node("Relu", "h", "k", "s"), node("Abs", "k", "b", "t"), initializer=[WEIGHT]),
            branch(node("MatMul", "h w", "b", "s")),
            "q",
        ),
        tensors=[CONDITION, WEIGHT],
    )
    yield model(
        node("Loop", "n c x", "y", "l", body=body(node("Add", "v x", "vo", "u"))),
        tensors=[CONDITION, numpy_helper.from_array(np.array(3), "n")],
    )
    scaled = function(
        node("f", "a a", "t", "n3", domain="own"),
        node("Softmax", "t", "b", "n4", axis=1),
        name="g",
        attributes=["ax"],
    )
    scaled.node[1].attribute[0].ClearField("i")
    scaled.node[1].attribute[0].ref_attr_name = "ax"
    added = function(node("Relu", "a", "t", "n1"), node("Add", "t c", "b", "n2"), inputs="a c")
    yield model(
        node("g", "x", "h", "m1", domain="own", ax=1),
        node("f", "h x", "y", "m2", domain="own"),
        functions=[added, scaled],
        opsets={"own": 1},
    )
    yield model(
        node("Constant", "", "s", "k", value=array("", 3, 2)),
        node("Reshape", "x s", "r", "rr"),
        node("Shape", "r", "sh", "ss"),
        node("Concat", "one neg", "cc", "co", axis=0),
        node("Reshape", "r cc", "z", "re"),
        node("Squeeze", "z ax", "q", "sq"),
        node("Reshape", "q sh", "u", "ru"),
        node("Transpose", "u", "y", "tr", perm=[1, 0]),
        tensors=[array("one", 1), array("neg", -1), array("ax", 0)],
    )
    scan = helper.make_graph(
        [node("Relu", "e", "o", "r")], "b", [value("e", shape=(3,))], [value("o", shape=(3,))]
    )
    yield model(node("Scan", "x", "y", "sc", num_scan_inputs=1, body=scan))
    yield model(
        node("SequenceConstruct", "x x", "s", "1"),
        node("SequenceAt", "s i", "t", "2"),
        node("Optional", "t", "op", "3"),
        node("OptionalGetElement", "op", "y", "4"),
        tensors=[numpy_helper.from_array(np.array(0), "i")],
    )
    sparse = model(node("MatMul", "x w", "y", "mm"))
    sparse.graph.sparse_initializer.append(sparse_tensor([0, 4]))
    yield sparse


def sparse_tensor(indices: Any, dtype: Any = np.int64, shape: Sequence[int] = (3, 3)) -> Any:
    """Two values at two indices."""
    values = numpy_helper.from_array(np.array([1, 2], np.float32), "w")
    return helper.make_sparse_tensor(
        values, numpy_helper.from_array(np.array(indices, dtype)), shape
    )


def mutant(source: onnx.ModelProto, generator: random.Random) -> onnx.ModelProto:
    """A copy in which one field is taken out, doubled, or swapped for one found elsewhere."""
    copy = onnx.ModelProto.FromString(source.SerializeToString())
    messages = list(_messages(copy))
    while True:
        message = generator.choice(messages)
        fields = [pair for pair in message.ListFields() if _is_mutable(message, pair[0])]
        if fields and _mutate(message, *generator.choice(fields), messages, generator):
            return copy


def _messages(message: Any) -> Iterator[Any]:
    yield message
    for field, held in message.ListFields():
        if field.message_type is not None:
            for inner in held if hasattr(held, "add") else (held,):
                yield from _messages(inner)


def _is_mutable(message: Any, field: Any) -> bool:
    version = message.DESCRIPTOR.name == "OperatorSetIdProto" and field.name == "version"
    return not version and field.name not in ("ir_version", "raw_data")


def _mutate(
    message: Any, field: Any, held: Any, messages: list[Any], generator: random.Random
) -> bool:
    """Change a field; whether there was anything to change."""
    pool = [getattr(m, field.name) for m in messages if m.DESCRIPTOR is message.DESCRIPTOR]
    how = generator.random()
    if hasattr(held, "add"):
        _mutate_messages(held, [item for items in pool for item in items], how, generator)
    elif hasattr(held, "append"):
        _mutate_scalars(held, [item for items in pool for item in items], how, generator)
    elif how < 0.2:
        message.ClearField(field.name)
    elif field.message_type is not None:
        held.CopyFrom(_copied(generator.choice(pool)))
    elif how < 0.7:
        setattr(message, field.name, generator.choice(pool))
    else:
        odd = _odd_values(field, held)
        if odd:
            setattr(message, field.name, generator.choice(odd))
        return bool(odd)
    return True


def _odd_values(field: Any, held: Any) -> list[Any]:
    if field.type == FieldDescriptor.TYPE_ENUM:
        return [1, 2, 3, 6, 7]
    if isinstance(held, int):
        return [0, 1, 2, 3, 7, 10, 11, held + 1, -1]
    return ["", "q", "Add", "Relu", "x"] if isinstance(held, str) else []


def _mutate_scalars(held: Any, others: list[Any], how: float, generator: random.Random) -> None:
    index = generator.randrange(len(held))
    if how < 0.2:
        del held[index]
    elif how < 0.35:
        held.append(held[index])
    elif how < 0.8:
        held[index] = generator.choice(others)
    elif isinstance(held[index], (str, int)):
        held[index] = generator.choice(
            ["", "q", "x"] if isinstance(held[index], str) else [0, 2, -1]
        )


def _mutate_messages(held: Any, others: list[Any], how: float, generator: random.Random) -> None:
    index = generator.randrange(len(held))
    if how < 0.35:
        del held[index]
    elif how < 0.6:
        held.add().CopyFrom(held[index])
    else:
        held[index].CopyFrom(_copied(generator.choice(others)))


def _copied(message: Any) -> Any:
    return type(message).FromString(message.SerializeToString())
