"""Lines 52 and 53 of the list: every place of an ONNX model, and texts that a limit could cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from threats.boxes import torch_archive
from threats.build import (
    ANYWHERE,
    DATA,
    Finding,
    Threat,
    alone,
    field_bytes,
    field_number,
    header,
    safetensors,
    tensor,
    text,
)

_CODE = "import os; os.system('id')"
_OPENED = Finding("SEC007", "error", ANYWHERE, None)
_TEXT = Finding("SEC008|SEC003|SEC002", "warning|error", ANYWHERE, None)
_ELF = b"\x7fELF\x02\x01\x01" + bytes(4089)


def _pair(key: str, value: str) -> bytes:
    """A StringStringEntryProto."""
    return field_bytes(1, key) + field_bytes(2, value)


def _vector(name: str, **fields: bytes) -> bytes:
    """A TensorProto of four floats; `fields` replace `raw`, its data, or follow it as `more`."""
    raw = fields.get("raw", field_bytes(9, DATA))
    return (
        field_number(1, 4)
        + field_number(2, 1)
        + field_bytes(8, name)
        + raw
        + fields.get("more", b"")
    )


def _value(name: str, doc: str = "") -> bytes:
    shape = field_bytes(2, field_bytes(1, field_number(1, 4)))
    kind = field_bytes(1, field_number(1, 1) + shape)
    said = field_bytes(3, doc) if doc else b""
    return field_bytes(1, name) + field_bytes(2, kind) + said


_INPUT, _OUTPUT = _value("x"), _value("y")
_OPSET = field_bytes(8, field_number(2, 17))


def _node(
    op: str = "Add", inputs: tuple[str, ...] = ("x", "w"), output: str = "y", more: bytes = b""
) -> bytes:
    named = b"".join(field_bytes(1, name) for name in inputs)
    return named + field_bytes(2, output) + field_bytes(4, op) + more


def _model(
    *nodes: bytes,
    weight: bytes | None = None,
    graph: bytes = b"",
    model: bytes = b"",
    x: bytes = _INPUT,
) -> bytes:
    """Y = x + w, where nothing else is given."""
    content = b"".join(field_bytes(1, node) for node in nodes or (_node(),))
    content += field_bytes(2, "g") + field_bytes(5, _vector("w") if weight is None else weight)
    content += field_bytes(11, x) + field_bytes(12, _OUTPUT) + graph
    return field_number(1, 8) + field_bytes(7, content) + _OPSET + model


def _external(location: str) -> bytes:
    return field_bytes(13, _pair("location", location)) + field_number(14, 1)


def _constant(tensor_: bytes, kind: int = 4, place: int = 5) -> bytes:
    """A node Constant; its attribute is a tensor, or a graph that holds one."""
    attribute = field_bytes(1, "value") + field_bytes(place, tensor_) + field_number(20, kind)
    return _node("Constant", (), "c", field_bytes(5, attribute))


_OUTSIDE = _vector("c", raw=_external("../secret"))
_SPARSE = field_bytes(1, _OUTSIDE) + field_bytes(2, _vector("i")) + field_number(3, 4)
_SUBGRAPH = field_bytes(2, "sub") + field_bytes(5, _OUTSIDE) + field_bytes(12, _value("c"))
_FUNCTION = (
    field_bytes(1, "F") + field_bytes(4, "a") + field_bytes(5, "b") + field_bytes(10, "local")
    + field_bytes(9, field_number(2, 17))
)  # fmt: skip
_LOCATIONS = {
    "a Constant": _model(_constant(_OUTSIDE), _node(inputs=("x", "c"))),
    "a Constant in a subgraph": _model(
        _node(
            "If",
            ("x",),
            "y",
            field_bytes(
                5, field_bytes(1, "then_branch") + field_bytes(6, _SUBGRAPH) + field_number(20, 5)
            ),
        )
    ),
    "an attribute of many tensors": _model(
        _node(
            more=field_bytes(
                5, field_bytes(1, "v") + field_bytes(10, _OUTSIDE) + field_number(20, 9)
            )
        )
    ),
    "a sparse initializer": _model(graph=field_bytes(15, _SPARSE)),
    "a Constant of a function": _model(
        model=field_bytes(25, _FUNCTION + field_bytes(7, _constant(_OUTSIDE)))
    ),
    "an initializer whose location is given twice": _model(
        weight=_vector(
            "w", raw=_external("w.bin") + field_bytes(13, _pair("location", "../secret"))
        )
    ),
}


def _beside(title: str, content: bytes) -> Threat:
    def write(folder: Path) -> tuple[Path, tuple[Finding, ...]]:
        inside = folder / "model"
        inside.mkdir()
        (folder / "secret").write_bytes(DATA)
        (inside / "w.bin").write_bytes(DATA)
        path = inside / "model.onnx"
        path.write_bytes(content)
        return path, (_OPENED,)

    return Threat(52, f"external data at ../ of {title}", write)


_NOTE = field_bytes(16, _pair("note", _CODE))
_SAID = {
    "the model": _model(model=field_bytes(6, _CODE)),
    "the graph": _model(graph=field_bytes(10, _CODE)),
    "a node": _model(_node(more=field_bytes(6, _CODE))),
    "an attribute": _model(
        _node(
            more=field_bytes(
                5,
                field_bytes(1, "a")
                + field_bytes(13, _CODE)
                + field_number(3, 1)
                + field_number(20, 2),
            )
        )
    ),
    "an initializer": _model(weight=_vector("w", more=field_bytes(12, _CODE))),
    "an input": _model(x=_value("x", _CODE)),
    "a function": _model(
        model=field_bytes(
            25, _FUNCTION + field_bytes(7, _node("Relu", ("a",), "b")) + field_bytes(8, _CODE)
        )
    ),
    "a node of a function": _model(
        model=field_bytes(
            25, _FUNCTION + field_bytes(7, _node("Relu", ("a",), "b", field_bytes(6, _CODE)))
        )
    ),
    "the metadata of the model": _model(model=field_bytes(14, _pair("note", _CODE))),
    "the metadata of the graph": _model(graph=_NOTE),
    "the metadata of a node": _model(_node(more=field_bytes(9, _pair("note", _CODE)))),
    "the metadata of an initializer": _model(weight=_vector("w", more=_NOTE)),
    "a key of the metadata": _model(model=field_bytes(14, _pair(_CODE, "note"))),
}
_BENT = {
    "raw data twice, the first a program": _model(
        weight=_vector("w", raw=field_bytes(9, _ELF) + field_bytes(9, DATA))
    ),
    "raw data and numbers": _model(weight=_vector("w", more=field_bytes(4, DATA))),
    "raw data and external data": _model(weight=_vector("w", more=_external("w.bin"))),
    "a graph twice": _model(model=field_bytes(7, field_bytes(2, "h"))),
    "a program in a field that ONNX lacks": _model(model=field_bytes(200, _ELF)),
    "a program in a field that a tensor lacks": _model(
        weight=_vector("w", more=field_bytes(77, _ELF))
    ),
    "a function that stands for Add": _model(
        model=field_bytes(
            25,
            field_bytes(1, "Add") + field_bytes(4, "a") + field_bytes(4, "b") + field_bytes(5, "c")
            + field_bytes(7, _node("Mul", ("a", "b"), "c")) + field_bytes(9, field_number(2, 17)),
        )
    ),
    "an operator that calls Python": _model(
        _node("PyCustomOp", more=field_bytes(7, "ai.onnx.contrib")),
        model=field_bytes(8, field_bytes(1, "ai.onnx.contrib") + field_number(2, 1)),
    ),
}  # fmt: skip
_BENT_FINDING = Finding(
    "FMT001|FMT013|GRF001|GRF006|SEC002|SEC003|SEC006|SEC008", "warning|error", ANYWHERE, None
)
_ONNX = (
    *(_beside(title, content) for title, content in _LOCATIONS.items()),
    *(
        Threat(52, f"code in what is said of {title}", alone("m.onnx", content, _TEXT))
        for title, content in _SAID.items()
    ),
    *(
        Threat(52, title, alone("m.onnx", content, _BENT_FINDING))
        for title, content in _BENT.items()
    ),
)


def _metadata(texts: Mapping[str, str]) -> bytes:
    tensors = json.loads(header({"w": (0, 16)}))
    return safetensors(json.dumps({"__metadata__": texts, **tensors}).encode(), DATA)


_MANY = {f"k{n}": "x" for n in range(1_000)}
_LONG = "x " * 600_000
_PLACES = {
    "the 1,001st string of the metadata": ("m.safetensors", _metadata({**_MANY, "z": _CODE})),
    "the 20,001st string of the metadata": (
        "m.safetensors",
        _metadata({**{f"k{n}": "x" for n in range(20_000)}, "z": _CODE}),
    ),
    "a text behind 1.2 million characters": ("m.safetensors", _metadata({"a": _LONG + _CODE})),
    "a key of the metadata": ("m.safetensors", _metadata({_CODE: "x"})),
    "the name of a tensor": ("m.safetensors", safetensors(header({_CODE: (0, 16)}), DATA)),
    "a key of a pickle": (
        "m.pt",
        torch_archive(b"\x80\x02}(" + text("w") + tensor() + text(_CODE) + b"K\x01u."),
    ),
    "the name of a tensor of a pickle": (
        "m.pt",
        torch_archive(b"\x80\x02}" + text(_CODE) + tensor() + b"s."),
    ),
    "a text of a pickle, behind 2,000 others": (
        "m.pt",
        torch_archive(
            b"\x80\x02}(" + text("w") + tensor()
            + b"".join(text(f"k{n}") + text(f"v{n}") for n in range(2_000))
            + text("z") + text(_CODE) + b"u."
        ),
    ),
}  # fmt: skip
_TEXTS = tuple(
    Threat(53, f"code in {title}", alone(name, content, _TEXT))
    for title, (name, content) in _PLACES.items()
)

THREATS = (*_ONNX, *_TEXTS)
