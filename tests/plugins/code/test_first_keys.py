"""Objects whose first key, or the first of two alike, is not what tells their loader."""

from __future__ import annotations

import json

import pytest

from modlint_plugins.code import examine

_HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(200)
_LAMBDA = '"class_name": "Lambda", "config": {"name": "l", "function": ["4wEAAA==", null, null]}'


@pytest.mark.parametrize(
    "text",
    [
        "{" + _LAMBDA + "}",
        '{"of no meaning": 0, ' + _LAMBDA + "}",
        "{" + _LAMBDA.replace("class_name", "cl\\u0061ss_name") + "}",
    ],
)
def test_a_lambda_layer_of_hdf5_is_found_behind_any_key(text: str) -> None:
    remarks = examine(memoryview(_HDF5 + text.encode() + bytes(100)), "m.h5", frozenset())

    assert [remark.kind for remark in remarks] == ["lambda-layer"]


def test_other_json_of_hdf5_is_silent() -> None:
    text = json.dumps({"units": "K", "config": {"name": "dense", "units": 3}}).encode()

    assert not list(examine(memoryview(_HDF5 + text + bytes(100)), "m.h5", frozenset()))


@pytest.mark.parametrize("loaders", [("ObjectNode", "ReduceNode"), ("ReduceNode", "ObjectNode")])
def test_a_node_of_skops_with_two_loaders_is_judged_by_both(loaders: tuple[str, str]) -> None:
    keys = ", ".join(f'"__loader__": "{loader}"' for loader in loaders)
    text = '{"__class__": "ndarray", "__module__": "numpy", ' + keys + "}"

    remarks = examine(memoryview(text.encode()), "schema.json", frozenset())

    assert [remark.kind for remark in remarks] == ["foreign-class"]
