"""The ONNX reader: real files by onnx, read without a copy, and files made to mislead it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf.descriptor import Descriptor
from onnx import TensorProto, helper, numpy_helper

from modlint.checkpoint import Checkpoint, Role
from modlint.errors import UnreadableError
from modlint.source import Source, open_source
from modlint_plugins.readers.onnx import skeleton
from modlint_plugins.readers.onnx.reader import OnnxReader
from modlint_plugins.readers.onnx.wire import BYTES, write_varint

READER = OnnxReader()
KINDS = {name: number for name, number in TensorProto.DataType.items() if name != "UNDEFINED"}


def model(*tensors: TensorProto, nodes: tuple[onnx.NodeProto, ...] = ()) -> onnx.ModelProto:
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "net", [], [y], list(tensors))
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="maker")


def save(folder: Path, proto: onnx.ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def read(path: Path) -> Checkpoint:
    source = open_source(path)
    assert READER.sniff(source)
    return READER.read(source)


def read_bytes(data: bytes) -> Checkpoint:
    return READER.read(Source(Path("model.onnx"), memoryview(data)))


def content(checkpoint: Checkpoint, name: str) -> bytes:
    return bytes(checkpoint.tensors[name].storage.read())


def message(number: int, payload: bytes) -> bytes:
    return write_varint(number << 3 | BYTES) + write_varint(len(payload)) + payload


def values(kind: int, count: int = 12) -> list[object]:
    if kind == TensorProto.STRING:
        return [f"text {i}" for i in range(count)]
    if kind == TensorProto.BOOL:
        return [bool(i % 2) for i in range(count)]
    if kind in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
        return [complex(i, -i) for i in range(count)]
    unsigned = "U" in TensorProto.DataType.Name(kind)[:1] or kind == TensorProto.FLOAT8E8M0
    if kind in (TensorProto.UINT2, TensorProto.INT2):
        return [i % 2 for i in range(count)]
    return [i % 8 if unsigned else (i % 8) - 4 for i in range(count)]


@pytest.mark.parametrize("name", [name for name in KINDS if name != "STRING"])
def test_every_type_reads_alike_from_typed_and_raw_data(name: str, tmp_path: Path) -> None:
    typed = helper.make_tensor("typed", KINDS[name], [3, 4], values(KINDS[name]))
    raw = numpy_helper.from_array(numpy_helper.to_array(typed), "raw")
    assert raw.HasField("raw_data")
    assert not typed.HasField("raw_data")
    checkpoint = read(save(tmp_path, model(typed, raw)))
    assert not checkpoint.faults
    for key in ("typed", "raw"):
        tensor = checkpoint.tensors[key]
        assert tensor.shape == (3, 4)
        assert content(checkpoint, key) == raw.raw_data
        assert tensor.storage.nbytes == tensor.nbytes == len(raw.raw_data)


def test_the_names_of_types_are_those_of_torch(tmp_path: Path) -> None:
    import torch

    for name, number in KINDS.items():
        tensor = helper.make_tensor("t", number, [12], values(number))
        dtype = read(save(tmp_path, model(tensor))).tensors["t"].dtype
        if name == "STRING":
            assert dtype.kind == "opaque"
        elif dtype.bits >= 8:
            assert getattr(torch, dtype.name).itemsize * 8 == dtype.bits


def test_raw_and_float_data_are_mapped_where_they_lie(tmp_path: Path) -> None:
    array = np.arange(600, dtype=np.float32)
    typed = helper.make_tensor("typed", TensorProto.FLOAT, [600], array.tolist())
    path = save(tmp_path, model(numpy_helper.from_array(array, "raw"), typed))
    checkpoint, data = read(path), path.read_bytes()
    for name in ("raw", "typed"):
        offset = checkpoint.tensors[name].offset
        assert offset is not None
        assert data[offset : offset + 2400] == array.tobytes()


def test_unpacked_and_split_typed_data_concatenate() -> None:
    array = np.arange(5, dtype=np.float32)
    pieces = [array[:2].tobytes(), array[2:4].tobytes()]
    tensor = b"\x08\x05\x10\x01" + message(4, pieces[0]) + message(4, pieces[1])
    tensor += write_varint(4 << 3 | 5) + array[4:].tobytes() + message(8, b"w")
    half = b"\x08\x02\x10\x0a\x28\x80\x78" + message(5, b"\x01") + message(8, b"h")
    data = b"\x08\x08" + message(7, message(5, tensor) + message(5, half))
    checkpoint = read_bytes(data)
    expected = onnx.ModelProto.FromString(data).graph.initializer
    assert content(checkpoint, "w") == numpy_helper.to_array(expected[0]).tobytes()
    assert content(checkpoint, "h") == numpy_helper.to_array(expected[1]).tobytes()


def test_metadata_is_inert_text(tmp_path: Path) -> None:
    proto = model()
    helper.set_model_props(proto, {"author": "someone"})
    proto.doc_string = "a" * 5000
    metadata = read(save(tmp_path, proto)).metadata
    assert metadata["producer_name"] == "maker"
    assert metadata["opset.ai.onnx"] == 17
    assert metadata["metadata.author"] == "someone"
    assert len(metadata["doc_string"]) == 1000


def test_names_that_are_no_utf8_are_escaped() -> None:
    data = model(numpy_helper.from_array(np.ones(1, np.float32), "weight")).SerializeToString()
    checkpoint = read_bytes(data.replace(b"weight", b"wei\xffht"))
    assert list(checkpoint.tensors) == ["wei\\xffht"]


def test_constants_that_are_weights_are_tensors_by_their_output(tmp_path: Path) -> None:
    def constant(name: str, array: np.ndarray) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))

    proto = model(
        nodes=(
            constant("weight", np.ones((2, 3), np.float32)),
            constant("shape", np.array([2, 3])),
            constant("bound", np.array(6.0, np.float32)),
            constant("factor", np.array(0.5, np.float32)),
            helper.make_node("Mul", ["x", "factor"], ["y"]),
        )
    )
    assert list(read(save(tmp_path, proto)).tensors) == ["weight", "factor"]


def test_tensors_of_subgraphs_and_training_carry_their_section(tmp_path: Path) -> None:
    inner = model(numpy_helper.from_array(np.ones(2, np.float32), "w")).graph
    node = helper.make_node("If", ["c"], ["y"], name="choose", then_branch=inner)
    several = helper.make_node("Custom", ["c"], ["z"], name="several", bodies=[inner])
    proto = model(nodes=(node, several))
    proto.training_info.add().algorithm.CopyFrom(inner)
    tensors = read(save(tmp_path, proto)).tensors
    assert tensors["choose.then_branch.w"].key == "w"
    assert [name for name in tensors if name.startswith("several.bodies")]
    assert tensors["training_info.0.algorithm.w"].role is Role.TRAINING_STATE


def test_a_sparse_initializer_is_its_values_and_indices(tmp_path: Path) -> None:
    proto = model()
    entries = numpy_helper.from_array(np.array([1.5, 2.5], np.float32), "w")
    indices = numpy_helper.from_array(np.array([3, 7]), "i")
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(entries, indices, [10]))
    checkpoint = read(save(tmp_path, proto))
    assert content(checkpoint, "w.values") == entries.raw_data
    assert content(checkpoint, "w.indices") == indices.raw_data


@pytest.mark.parametrize("copies", [2, 3])
def test_duplicate_names_are_remarked_once_and_all_kept(copies: int, tmp_path: Path) -> None:
    tensors = [numpy_helper.from_array(np.full(2, i, np.float32), "w") for i in range(copies)]
    checkpoint = read(save(tmp_path, model(*tensors)))
    assert list(checkpoint.tensors) == ["w", "w#2", "w#3"][:copies]
    assert [remark.kind for remark in checkpoint.remarks] == ["duplicate-tensor"]


def test_an_old_operator_set_is_remarked(tmp_path: Path) -> None:
    proto = model()
    proto.opset_import[0].version = 6
    assert [remark.kind for remark in read(save(tmp_path, proto)).remarks] == ["old-opset"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"dims": [2, 4]}, "tensor-size"),
        ({"dims": [1 << 62, 1 << 62]}, "tensor-size"),
        ({"dims": [-2, -3]}, "tensor-shape"),
        ({"dims": [1] * 65}, "tensor-shape"),
        ({"data_type": 99}, "unknown-dtype"),
    ],
)
def test_a_tensor_that_contradicts_itself_is_a_fault(
    change: dict[str, object], kind: str, tmp_path: Path
) -> None:
    bad = numpy_helper.from_array(np.ones((2, 3), np.float32), "bad")
    for field, value in change.items():
        bad.ClearField(field)
        if isinstance(value, list):
            bad.dims.extend(value)
        else:
            setattr(bad, field, value)
    good = numpy_helper.from_array(np.ones(3, np.float32), "good")
    checkpoint = read(save(tmp_path, model(bad, good)))
    assert [fault.kind for fault in checkpoint.faults] == [kind]
    assert "bad" in checkpoint.faults[0].message
    assert list(checkpoint.tensors) == ["good"]


def external(location: str, **entries: object) -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def test_external_data_is_mapped(tmp_path: Path) -> None:
    arrays = {f"w{i}": np.full((3, 5), i, np.float32) for i in range(3)}
    proto = model(*(numpy_helper.from_array(array, name) for name, array in arrays.items()))
    path = tmp_path / "model.onnx"
    onnx.save_model(proto, path, save_as_external_data=True, location="w.data", size_threshold=0)
    checkpoint = read(path)
    assert not checkpoint.faults
    for name, array in arrays.items():
        assert content(checkpoint, name) == array.tobytes()
        assert checkpoint.tensors[name].storage.member == "w.data"
        assert checkpoint.tensors[name].offset is None


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("../secret", "path-escape"),
        ("sub/../../secret", "path-escape"),
        ("..\\secret", "path-escape"),
        ("/etc/hostname", "path-escape"),
        ("C:\\secret", "path-escape"),
        ("", "path-escape"),
        ("link", "path-escape"),
        ("folder/secret", "path-escape"),
        ("nul\0byte", "missing-external-data"),
        ("absent", "missing-external-data"),
        ("sub", "missing-external-data"),
        ("fifo", "missing-external-data"),
        ("loop", "missing-external-data"),
    ],
)
def test_external_data_outside_the_folder_is_not_opened(
    location: str, kind: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(bytes(16))
    folder = tmp_path / "folder-of-model"
    (folder / "sub").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "fifo")
    checkpoint = read(save(folder, model(external(location))))
    assert [fault.kind for fault in checkpoint.faults] == [kind]
    assert not checkpoint.tensors


def test_links_within_a_cache_of_blobs_are_followed(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "main"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "abc").write_bytes(model(external("model.data")).SerializeToString())
    (blobs / "def").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    (snapshot / "model.onnx").symlink_to("../../blobs/abc")
    (snapshot / "model.data").symlink_to("../../blobs/def")
    checkpoint = read(snapshot / "model.onnx")
    assert content(checkpoint, "w") == np.arange(4, dtype=np.float32).tobytes()


@pytest.mark.parametrize(
    "entries",
    [
        {"offset": 8, "length": 16},
        {"offset": 1 << 62},
        {"length": 1 << 62},
        {"length": 12},
        {"offset": -4},
        {"offset": "0x0"},
        {"offset": "9" * 5000},
    ],
)
def test_external_data_beyond_the_file_is_a_fault(
    entries: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "w.data").write_bytes(bytes(20))
    checkpoint = read(save(tmp_path, model(external("w.data", **entries))))
    assert [fault.kind for fault in checkpoint.faults] == ["external-data-range"]
    assert len(checkpoint.faults[0].message) < 300


def test_a_hard_link_is_remarked(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "other").write_bytes(bytes(16))
    os.link(tmp_path / "other", folder / "w.data")
    checkpoint = read(save(folder, model(external("w.data"))))
    assert [remark.kind for remark in checkpoint.remarks] == ["hard-link"]
    assert list(checkpoint.tensors) == ["w"]


def test_a_hard_link_within_the_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(bytes(16))
    os.link(tmp_path / "other", tmp_path / "w.data")
    assert not read(save(tmp_path, model(external("w.data")))).remarks


def test_a_file_cut_within_its_graph_is_truncated() -> None:
    head = b"\x08\x08" + message(2, b"maker")
    weights = model(numpy_helper.from_array(np.ones(40, np.float32), "w"))
    data = head + message(7, weights.graph.SerializeToString())
    for length in range(len(head) + 1, len(data)):
        source = Source(Path("model.onnx"), memoryview(data[:length]))
        assert READER.sniff(source)
        with pytest.raises(UnreadableError, match="truncated ONNX model") as caught:
            READER.read(source)
        assert caught.value.offset in range(len(head), length + 1)
        assert caught.value.help


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(64),
        b"\x08",
        b"\x08\x07",
        b"\x80\x04\x95\x10\x00\x00\x00",
        b"PK\x03\x04",
        b"version https://git-lfs.github.com/spec/v1\n",
        b'ir_version: 7\ngraph { name: "text" }\n',
        b'{"irVersion": "7"}',
        b"\x12\x07pytorch\x3a\x05graph",  # the graph holds no field of a graph
        message(1, b"a GraphDef of TensorFlow") * 3,
    ],
)
def test_other_files_are_not_claimed(data: bytes) -> None:
    assert not READER.sniff(Source(Path("model.onnx"), memoryview(data)))


def test_random_bytes_are_not_claimed() -> None:
    generator = random.Random(0)
    for _ in range(20_000):
        data = generator.randbytes(generator.randrange(1, 400))
        assert not READER.sniff(Source(Path("m"), memoryview(data)))


def test_garbage_inside_the_graph_is_unreadable_not_truncated() -> None:
    data = b"\x08\x08" + message(7, message(1, b"\x0a\x7fshort"))
    assert READER.sniff(Source(Path("m"), memoryview(data)))
    with pytest.raises(UnreadableError, match="unreadable ONNX model: field 1 is"):
        read_bytes(data)


def test_merged_messages_read_as_protobuf_reads_them() -> None:
    first, second = (np.full(400, value, np.float32) for value in (1, 2))
    again = message(9, second.tobytes())
    twice = numpy_helper.from_array(first, "w").SerializeToString() + again
    attribute = helper.make_attribute("value", numpy_helper.from_array(first))
    merged = attribute.SerializeToString() + message(5, again)
    node = helper.make_node("Constant", [], ["c"]).SerializeToString() + message(5, merged)
    other = message(5, numpy_helper.from_array(second, "v").SerializeToString())
    data = b"\x08\x08" + message(7, message(5, twice) + message(1, node)) + message(7, other)
    expected = onnx.ModelProto.FromString(data).graph
    checkpoint = read_bytes(data)
    assert [tensor.name for tensor in expected.initializer] == ["w", "v"]
    for tensor in expected.initializer:
        assert content(checkpoint, tensor.name) == tensor.raw_data == second.tobytes()
    assert content(checkpoint, "c") == expected.node[0].attribute[0].t.raw_data == second.tobytes()


def reaches_tensor(descriptor: Descriptor, seen: frozenset[str] = frozenset()) -> bool:
    if descriptor.name == "TensorProto":
        return True
    inner = seen | {descriptor.name}
    return any(
        reaches_tensor(field.message_type, inner)
        for field in descriptor.fields
        if field.message_type is not None and field.message_type.name not in inner
    )


def test_the_skeleton_knows_every_way_to_a_tensor() -> None:
    for name, fields in skeleton.SUBMESSAGES.items():
        descriptor = getattr(onnx, name).DESCRIPTOR
        expected = {
            field.number: field.message_type.name
            for field in descriptor.fields
            if field.message_type is not None and reaches_tensor(field.message_type)
        }
        assert dict(fields) == expected


def test_deep_nesting_is_refused() -> None:
    graph = b""
    for _ in range(30):
        graph = message(1, message(4, b"If") + message(5, message(6, graph)))
    with pytest.raises(UnreadableError, match="nested more than 64 deep"):
        read_bytes(b"\x08\x08" + message(7, graph))


def test_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(UnreadableError, match="exceeds 64 MiB"):
        read_bytes(b"\x08\x08" + message(7, message(10, bytes(65 << 20))))


def test_too_many_fields_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skeleton, "MAX_FIELDS", 50)
    with pytest.raises(UnreadableError, match="more than 50 fields"):
        read_bytes(b"\x08\x08" + message(7, message(1, b"") * 60))


def test_a_large_attribute_is_left_out_and_remarked(tmp_path: Path) -> None:
    node = helper.make_node("Trees", ["x"], ["y"], weights=[0.5] * 300_000, small=[0.5] * 100)
    checkpoint = read(save(tmp_path, model(nodes=(node,))))
    assert [remark.kind for remark in checkpoint.remarks] == ["large-attribute"]
    node = checkpoint.graph.model.graph.node[0]
    assert {a.name: len(a.floats) for a in node.attribute} == {"weights": 0, "small": 100}


def test_mutated_files_are_read_or_refused() -> None:
    tensors = [helper.make_tensor("t", 10, [8], [1.0] * 8)]
    tensors.append(numpy_helper.from_array(np.ones((4, 4), np.float32), "w"))
    node = helper.make_node("Gemm", ["x", "w"], ["y"], alpha=1.0, transB=1)
    data = model(*tensors, nodes=(node,)).SerializeToString()
    generator = random.Random(1)
    outcomes = set()
    for _ in range(1500):
        mutated = bytearray(data)
        for _ in range(generator.randrange(1, 4)):
            mutated[generator.randrange(len(mutated))] = generator.randrange(256)
        try:
            checkpoint = read_bytes(bytes(mutated))
        except UnreadableError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        for tensor in checkpoint.tensors.values():
            assert len(tensor.storage.read()) == tensor.storage.nbytes
    assert outcomes == {"read", "refused"}


PEAK = """
import resource, sys
from pathlib import Path
from modlint.source import open_source
from modlint_plugins.readers.onnx.reader import OnnxReader
source = open_source(Path(sys.argv[1]))
assert OnnxReader().sniff(source)
assert OnnxReader().read(source).tensors
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def sparse_model(path: Path, nbytes: int) -> Path:
    """A model whose only tensor is a hole in the file."""
    head = write_varint(1 << 3) + write_varint(nbytes // 4) + b"\x10\x01" + message(8, b"w")
    head += write_varint(9 << 3 | BYTES) + write_varint(nbytes)
    tensor = write_varint(5 << 3 | BYTES) + write_varint(len(head) + nbytes) + head
    graph = write_varint(7 << 3 | BYTES) + write_varint(len(tensor) + nbytes) + tensor
    with path.open("wb") as file:
        file.write(b"\x08\x08" + graph)
        file.truncate(file.tell() + nbytes)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_two_gigabytes_take_no_memory(tmp_path: Path) -> None:
    peaks = []
    for nbytes in (1 << 20, 2_000_000_000):
        path = sparse_model(tmp_path / f"{nbytes}.onnx", nbytes)
        command = [sys.executable, "-c", PEAK, str(path)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True).stdout))
    assert peaks[1] - peaks[0] < 50_000


def test_the_real_models_are_read(shared: Path) -> None:
    paths = sorted((shared / "models").rglob("*.onnx"))
    assert len(paths) > 20
    for path in paths:
        checkpoint = read(path)
        assert not checkpoint.faults
        for expected in onnx.load(path).graph.initializer:
            assert content(checkpoint, expected.name) == numpy_helper.to_array(expected).tobytes()
