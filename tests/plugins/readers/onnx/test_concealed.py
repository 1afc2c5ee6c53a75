"""What an ONNX file holds beside its model: each way to hide bytes is told, and no healthy file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import field, function, model, node, seeds, sparse_tensor

from modlint.checkpoint import Checkpoint, Remark
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.readers.onnx.identify import is_model
from modlint_plugins.readers.onnx.reader import OnnxReader
from modlint_plugins.readers.onnx.schema import NEWEST_IR, SCHEMA
from modlint_plugins.readers.onnx.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    GROUP,
    GROUP_END,
    MAX_GROUP_FIELDS,
    VARINT,
    write_varint,
)

ELF = b"\x7fELF\x02\x01\x01" + bytes(57)
HIDDEN = b"forty bytes that nobody has ever seen...."
RELU = node("Relu", "x", "y", "r")
WEIGHT = numpy_helper.from_array(np.ones((3, 3), np.float32), "w")
WIRES = {1: FIXED64, 2: FIXED32, 3: VARINT, 4: VARINT, 5: VARINT, 14: VARINT}
"""By the type of a field's descriptor; everything else is a run of bytes."""


def read(data: bytes) -> Checkpoint:
    source = Source(Path("model.onnx"), memoryview(data))
    assert OnnxReader().sniff(source)
    return OnnxReader().read(source)


def graph_of(*tensors: bytes, extra: bytes = b"") -> bytes:
    """A model of one node and of initialisers given as bytes."""
    made = model(RELU)
    graph = made.graph.SerializeToString() + b"".join(field(5, tensor) for tensor in tensors)
    made.ClearField("graph")
    return made.SerializeToString() + field(7, graph + extra)


def told(checkpoint: Checkpoint, kind: str) -> list[Remark]:
    return [remark for remark in checkpoint.remarks if remark.kind == kind]


def test_the_schema_is_that_of_onnx() -> None:
    descriptors: dict[str, Any] = {}

    def gather(messages: Any) -> None:
        for message in messages:
            descriptors[message.full_name.removeprefix("onnx.")] = message
            gather(message.nested_types)

    gather(onnx.ModelProto.DESCRIPTOR.file.message_types_by_name.values())
    assert onnx.IR_VERSION <= NEWEST_IR
    for name, descriptor in descriptors.items():
        for known in descriptor.fields:
            spec = SCHEMA[name][known.number]
            inner = known.message_type.full_name.removeprefix("onnx.") if known.message_type else ""
            repeated = known.is_repeated
            assert (spec.name, spec.message, spec.repeated) == (known.name, inner, repeated)
            assert spec.wire == WIRES.get(known.type, BYTES)
            assert spec.group == (0 if known.containing_oneof else known.number)


@pytest.mark.parametrize("index", range(9))
def test_healthy_models_hide_nothing(index: int) -> None:
    checkpoint = read(list(seeds())[index].SerializeToString())
    assert not checkpoint.remarks
    assert not checkpoint.faults


WHOLE = model(RELU, tensors=[WEIGHT]).SerializeToString()
UNKNOWN = {
    "bytes": field(99, HIDDEN),
    "a number": write_varint(99 << 3 | VARINT) + b"\x80\x01",
    "eight bytes": write_varint(99 << 3 | FIXED64) + bytes(8),
    "four bytes": write_varint(99 << 3 | FIXED32) + bytes(4),
    "a group": write_varint(99 << 3 | GROUP) + field(1, HIDDEN) + write_varint(99 << 3 | GROUP_END),
    "a graph that is a number": write_varint(7 << 3 | FIXED64) + bytes(8),
}


@pytest.mark.parametrize("extra", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("first", [False, True])
def test_unknown_fields_are_told_and_the_model_is_read(extra: bytes, first: bool) -> None:
    checkpoint = read(extra + WHOLE if first else WHOLE + extra)
    assert list(checkpoint.tensors) == ["w"]
    (remark,) = told(checkpoint, "unknown-field")
    assert "of a ModelProto" in remark.message
    assert onnx.ModelProto.FromString(WHOLE + extra).graph.node[0].op_type == "Relu"


PLACES: dict[str, Callable[[onnx.ModelProto], Any]] = {
    "graph": lambda m: m.graph,
    "node": lambda m: m.graph.node[0],
    "attribute": lambda m: m.graph.node[0].attribute[0],
    "input": lambda m: m.graph.input[0],
    "type": lambda m: m.graph.input[0].type,
    "dimension": lambda m: m.graph.input[0].type.tensor_type.shape.dim[0],
    "tensor": lambda m: m.graph.initializer[0],
    "opset": lambda m: m.opset_import[0],
    "metadata": lambda m: m.metadata_props[0],
    "function": lambda m: m.functions[0],
    "node of a function": lambda m: m.functions[0].node[0],
    "sparse": lambda m: m.graph.sparse_initializer[0],
    "training": lambda m: m.training_info[0].algorithm,
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_field_that_onnx_does_not_know_is_found_anywhere(place: Callable[..., Any]) -> None:
    made = model(
        node("Softmax", "x", "y", axis=1),
        tensors=[WEIGHT],
        functions=[function(node("Relu", "a", "b"))],
    )
    made.metadata_props.add(key="author", value="somebody")
    made.graph.sparse_initializer.append(sparse_tensor([0, 4]))
    made.training_info.add().algorithm.CopyFrom(made.graph)
    assert not told(read(made.SerializeToString()), "unknown-field")
    place(made).MergeFromString(field(99, HIDDEN))
    data = made.SerializeToString()
    assert HIDDEN in data
    (remark,) = told(read(data), "unknown-field")
    assert remark.offset == data.index(HIDDEN)


@pytest.mark.parametrize("payload", [HIDDEN, ELF])
def test_a_field_that_is_given_twice_hides_the_first(payload: bytes) -> None:
    checkpoint = read(graph_of(field(9, payload) + WEIGHT.SerializeToString()))
    (remark,) = told(checkpoint, "hidden-program" if payload is ELF else "repeated-field")
    assert "raw_data of a TensorProto" in remark.message
    assert bytes(checkpoint.tensors["w"].storage.read()) == WEIGHT.raw_data


def test_a_message_that_is_given_twice_is_merged_and_told() -> None:
    (remark,) = told(read(WHOLE + field(7, b"")), "repeated-field")
    assert "graph of a ModelProto" in remark.message


def test_of_two_types_the_first_is_hidden() -> None:
    both = field(1, b"\x08\x01") + field(6, HIDDEN) + field(4, field(1, field(1, b"\x08\x01")))
    extra = field(13, field(1, b"h") + field(2, both))
    (remark,) = told(read(graph_of(extra=extra)), "repeated-field")
    assert "tensor_type" in remark.message or "sequence_type" in remark.message


def test_elements_that_nothing_reads_are_told() -> None:
    raw, external = TensorProto(), TensorProto()
    raw.CopyFrom(WEIGHT)
    raw.float_data.extend([1.0] * 9)
    external.CopyFrom(WEIGHT)
    external.data_location = TensorProto.EXTERNAL
    other = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], float_data=[1.0])
    other.int64_data.append(7)
    for tensor, name in ((raw, "float_data"), (external, "raw_data"), (other, "int64_data")):
        checkpoint = read(model(RELU, tensors=[tensor]).SerializeToString())
        (remark,) = told(checkpoint, "unread-data")
        assert f"lie in {name} of tensor 'w'" in remark.message


def test_programs_in_texts_and_attributes_are_told() -> None:
    made = model(node("Odd", "x", "y", blob=ELF))
    made.graph.input[0].doc_string = "#!/bin/sh\n" + "echo hello world\n" * 3
    found = told(read(made.SerializeToString()), "hidden-program")
    assert [remark.message.split(" of ")[1] for remark in found] == ["s", "doc_string"]
    engine = model(helper.make_node("EPContext", ["x"], ["y"], ep_cache_context=ELF))
    checkpoint = read(engine.SerializeToString())
    assert told(checkpoint, "embedded-program")
    assert not told(checkpoint, "hidden-program")


def test_a_newer_schema_is_told_once_and_its_programs_still() -> None:
    made = model(RELU)
    made.ir_version = NEWEST_IR + 1
    data = made.SerializeToString() + field(99, HIDDEN) * 3 + field(98, ELF)
    checkpoint = read(data)
    assert len(told(checkpoint, "newer-schema")) == len(told(checkpoint, "hidden-program")) == 1
    assert not told(checkpoint, "unknown-field")


def test_groups_within_groups_have_an_end() -> None:
    opened = write_varint(99 << 3 | GROUP)
    closed = write_varint(99 << 3 | GROUP_END)
    for data in (opened * 100 + closed * 100, opened, opened + write_varint(98 << 3 | GROUP_END)):
        source = Source(Path("model.onnx"), memoryview(WHOLE + data))
        if OnnxReader().sniff(source):
            with pytest.raises(UnreadableError):
                OnnxReader().read(source)


def test_groups_of_many_fields_are_not_walked_through() -> None:
    """Text can begin like a group: "#" opens one, and what follows are fields of it."""
    opened, closed = write_varint(99 << 3 | GROUP), write_varint(99 << 3 | GROUP_END)
    inner = field(1, b"x")
    few, long, many = (
        WHOLE + (opened + inner * count + closed) * groups
        for count, groups in ((5, 3), (MAX_GROUP_FIELDS + 1, 1), (1, 30))
    )
    assert is_model(memoryview(few))
    for data in (long, many, b"#" + b"xx" * 100_000):
        assert not is_model(memoryview(data))


def elsewhere(name: str = "") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    return tensor


def test_external_data_is_judged_wherever_a_tensor_is(tmp_path: Path) -> None:
    """A constant of one element is no weight, and of a tensor in the file nobody asks the place."""
    inner = TensorProto()
    inner.CopyFrom(WEIGHT)
    inner.external_data.add(key="location", value="/etc/passwd")
    twice = elsewhere("w")
    twice.external_data.insert(0, onnx.StringStringEntryProto(key="location", value="w.bin"))
    constant = node("Constant", "", "k", value=elsewhere())
    default = function(RELU)
    default.attribute_proto.append(helper.make_attribute("t", elsewhere()))
    training = model(RELU)
    training.training_info.add().initialization.initializer.append(elsewhere("w"))
    for made in (
        model(constant, RELU),
        model(RELU, tensors=[inner]),
        model(RELU, tensors=[twice]),
        model(RELU, functions=[function(constant)]),
        model(RELU, functions=[default]),
        training,
    ):
        checkpoint = read(made.SerializeToString())
        assert [fault.kind for fault in checkpoint.faults] == ["path-escape"]


def test_functions_in_place_of_operators_are_told() -> None:
    own = {"domain": "", "opsets": {"": 17}}
    replaced = function(node("Abs", "a", "b"), name="Relu", **own)
    assert told(read(model(RELU, functions=[replaced]).SerializeToString()), "shadowed-operator")
    other = function(node("Abs", "a", "b"), name="Relu")
    assert not read(model(RELU, functions=[other]).SerializeToString()).remarks


def same(checkpoint: Checkpoint, made: onnx.ModelProto) -> int:
    """Compare the initialisers with onnx's own reading; how many there are."""
    for expected in made.graph.initializer:
        tensor, array = checkpoint.tensors[expected.name], numpy_helper.to_array(expected)
        assert tensor.shape == array.shape
        if expected.data_type != TensorProto.STRING:
            assert bytes(tensor.storage.read()) == numpy_helper.from_array(array).raw_data
            own = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
            assert tensor.dtype.name == own.get(expected.data_type, tensor.dtype.name)
    return len(made.graph.initializer)


def test_the_tensors_are_those_that_onnx_reads(tmp_path: Path) -> None:
    assert sum(same(read(made.SerializeToString()), made) for made in seeds()) > 8
    made = model(RELU, tensors=[WEIGHT, numpy_helper.from_array(np.arange(600.0), "v")])
    path = tmp_path / "model.onnx"
    onnx.save_model(made, path, save_as_external_data=True, location="w.data", size_threshold=64)
    source = Source(path, memoryview(path.read_bytes()))
    assert same(OnnxReader().read(source), onnx.load(path)) == 2


def test_the_tensors_of_real_models_are_those_that_onnx_reads(shared: Path) -> None:
    paths = [*(shared / "models").rglob("*.onnx"), *(shared / "reports/health").rglob("*.onnx")]
    compared = 0
    for path in paths:
        try:
            made = onnx.load(path)
        except (FileNotFoundError, onnx.checker.ValidationError):
            continue
        source = Source(path, memoryview(path.read_bytes()))
        compared += same(OnnxReader().read(source), made)
    assert compared > 1000
