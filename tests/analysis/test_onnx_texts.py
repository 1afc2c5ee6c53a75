"""Every text of an ONNX model is searched, wherever it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import function, model, node, sparse_tensor, value
from support import no_progress

from modlint.analysis.onnx_check import OnnxGraph
from modlint.analysis.onnx_texts import onnx_texts
from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings
from modlint.source import Source
from modlint_plugins.readers.onnx.reader import OnnxReader

TEXT = "a sentence that nothing else says"
RELU = node("Relu", "x", "y", "r")


def texts_of(made: onnx.ModelProto) -> list[tuple[str, str]]:
    source = Source(Path("model.onnx"), memoryview(made.SerializeToString()))
    graph = OnnxReader().read(source).graph
    assert isinstance(graph, OnnxGraph)
    return list(onnx_texts(graph))


def full() -> onnx.ModelProto:
    """A model with one message of every kind."""
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    inner = helper.make_graph([node("Abs", "x", "b")], "inner", [], [value("b")])
    made = model(
        node("Softmax", "x", "y", "s", axis=1),
        node("Odd", "x", "z", "o", label="", labels=["", ""], body=inner),
        tensors=[weight, helper.make_tensor("t", TensorProto.STRING, [1], [b""])],
        values=[value("h")],
        functions=[function(node("Relu", "a", "b"))],
    )
    made.graph.sparse_initializer.append(sparse_tensor([0, 4]))
    made.training_info.add().algorithm.CopyFrom(helper.make_graph([RELU], "t", [], []))
    made.graph.quantization_annotation.add(tensor_name="w")
    return made


def messages(message: Any) -> list[Any]:
    found = [message]
    for held, inner in message.ListFields():
        if held.message_type is not None:
            for each in inner if hasattr(inner, "add") else (inner,):
                found += messages(each)
    return found


def places() -> dict[str, Callable[[], onnx.ModelProto]]:
    """By place, a writer of the model with the text in that one place."""
    found: dict[str, Callable[[], onnx.ModelProto]] = {}
    for index, message in enumerate(messages(full())):
        for held in message.DESCRIPTOR.fields:
            single = not held.is_repeated
            if held.cpp_type == held.CPPTYPE_STRING and held.name != "raw_data":
                title = f"{index} {message.DESCRIPTOR.name}.{held.name}"
                found[title] = lambda i=index, name=held.name, one=single: put(i, name, one)
            elif held.name == "metadata_props":
                title = f"{index} {message.DESCRIPTOR.name}.metadata_props"
                found[title] = lambda i=index: put(i, "metadata_props", None)
    return found


def put(index: int, name: str, single: bool | None) -> onnx.ModelProto:
    made = full()
    message = messages(made)[index]
    if single is None:
        message.metadata_props.add(key="k", value=TEXT)
    elif single:
        current = getattr(message, name)
        setattr(message, name, TEXT.encode() if isinstance(current, bytes) else TEXT)
    else:
        binary = message.DESCRIPTOR.fields_by_name[name].type == 12
        getattr(message, name).append(TEXT.encode() if binary else TEXT)
    return made


PLACES = places()


@pytest.mark.parametrize("write", PLACES.values(), ids=PLACES)
def test_a_text_is_found_wherever_the_format_has_room_for_one(
    write: Callable[[], onnx.ModelProto],
) -> None:
    assert any(TEXT in text for _, text in texts_of(write()))


def test_few_texts_are_told_apart_and_many_are_one() -> None:
    nodes = [node("Relu", "x", f"y{index}", f"n{index}") for index in range(20)]
    for index, each in enumerate(nodes):
        each.doc_string = f"text {index}"
    few, many = (texts_of(model(*nodes[:count])) for count in (3, 20))
    assert [where for where, _ in few[:3]] == [f"doc string of node 'n{n}'" for n in range(3)]
    assert [where for where, _ in many] == ["doc string of 20 nodes", "the names of the graph"]
    assert many[0][1].splitlines() == [f"text {n}" for n in range(20)]


def test_a_module_called_root_is_no_home_folder() -> None:
    where, names = texts_of(model(node("Relu", "x", "y", "/base/root/conv")))[-1]
    assert where == "the names of the graph"
    assert "/base.root/conv" in names


@pytest.mark.parametrize(("size", "outcome"), [(1 << 19, "pass"), (1 << 21, "inconclusive")])
def test_what_is_too_large_to_keep_is_not_wholly_searched(
    size: int, outcome: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(model(node("Odd", "x", "y", blob=b"a" * size)).SerializeToString())
    settings = Settings(select=("SEC008",), device="cpu")
    report = check([path], Configuration(settings, None, tmp_path), load_registry(), no_progress)
    assert [str(verdict.outcome) for verdict in report.files[0].verdicts] == [outcome]
