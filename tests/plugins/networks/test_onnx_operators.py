"""Operators of ONNX and onnxruntime, each between weights: which channel which column reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from onnx.helper import make_tensor_value_info as info
from onnx_networks import (
    Node,
    Pairs,
    built,
    edges,
    exported,
    joined,
    kernels,
    linear,
    made,
    node,
    norms,
    sole,
    straight,
)
from torch import nn

from modlint.network import Activation, Join, Network
from modlint.source import open_source
from modlint_plugins.networks.onnx_graph import OnnxGraphBuilder
from modlint_plugins.readers.onnx.reader import OnnxReader

MS = {"domain": "com.microsoft"}


def ints(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.int64)


def kinds(network: Network, kind: str) -> list[Join]:
    return [op for op in network.operations if isinstance(op, Join) and op.kind == kind]


# -- moves

IMAGE = {"w": (8, 3, 1, 1), "v": (2, 8, 1, 1)}
SHUFFLED = {(c, 2 * (c % 4) + c // 4) for c in range(8)}


@pytest.mark.parametrize(
    ("between", "tensors", "expected", "opset"),
    [
        ([node("DepthToSpace", ["a"], ["b"], blocksize=2)], {"v": (2, 2, 1, 1)},
         {(c, c % 2) for c in range(8)}, 17),
        ([node("DepthToSpace", ["a"], ["b"], blocksize=2, mode="CRD")], {"v": (2, 2, 1, 1)},
         {(c, c // 4) for c in range(8)}, 17),
        ([node("SpaceToDepth", ["a"], ["b"], blocksize=2)], {"v": (2, 32, 1, 1)},
         {(c, c + 8 * p) for c in range(8) for p in range(4)}, 17),
        ([node("Reshape", ["a", "s"], ["c"]), node("Transpose", ["c"], ["d"], perm=[0, 2, 1, 3]),
          node("Reshape", ["d", "t"], ["b"])],
         {"s": ints(0, 2, 4, -1), "t": ints(1, 8, 4, 4)}, SHUFFLED, 17),
        ([node("Slice", ["a", "one", "five", "one"], ["b"])],
         {"one": ints(1), "five": ints(5), "v": (2, 4, 1, 1)}, {(c, c - 1) for c in range(1, 5)},
         17),
        ([node("Slice", ["a", "last", "far", "one", "back"], ["b"])],
         {"last": ints(-1), "far": ints(-100), "one": ints(1), "back": ints(-2), "v": (2, 4, 1, 1)},
         {(7 - 2 * k, k) for k in range(4)}, 17),
        ([node("Slice", ["a"], ["b"], axes=[1], starts=[6], ends=[100])], {"v": (2, 2, 1, 1)},
         {(6, 0), (7, 1)}, 9),
        ([node("Gather", ["a", "i"], ["b"], axis=1)], {"i": ints(5, 5, -8), "v": (2, 3, 1, 1)},
         {(5, 0), (5, 1), (0, 2)}, 17),
        ([node("Split", ["a"], ["c", "b"], axis=1, split=[5, 3])], {"v": (2, 3, 1, 1)},
         {(5, 0), (6, 1), (7, 2)}, 11),
        ([node("Split", ["a", "p"], ["c", "b"], axis=1)], {"p": ints(5, 3), "v": (2, 3, 1, 1)},
         {(5, 0), (6, 1), (7, 2)}, 17),
        ([node("Split", ["a"], ["c", "b"], axis=1, num_outputs=2)], {"v": (2, 4, 1, 1)},
         {(4 + k, k) for k in range(4)}, 18),
        ([node("Pad", ["a", "p"], ["b"])], {"p": ints(0, 2, 0, 0, 0, 1, 0, 0), "v": (2, 11, 1, 1)},
         {(c, c + 2) for c in range(8)}, 17),
        ([node("Pad", ["a"], ["b"], pads=[0, 0, 1, 1, 0, 0, 1, 1])], {}, straight(8), 10),
        ([node("Tile", ["a", "r"], ["b"])], {"r": ints(1, 2, 1, 1), "v": (2, 16, 1, 1)},
         {(c, c + 8 * i) for c in range(8) for i in range(2)}, 17),
        ([node("Resize", ["a", "", "r"], ["b"])], {"r": np.array([1, 1, 2, 2.5])}, straight(8), 17),
        ([node("Upsample", ["a", "r"], ["b"])], {"r": np.array([1, 1, 2, 2.0])}, straight(8), 9),
        ([node("GatherND", ["a", "i"], ["b"])], {"i": ints(0, 3).reshape(1, 1, 2),
          "v": (2, 1, 1, 1)},
         {(3, 0)}, 17),
        ([node("Transpose", ["a"], ["c"], perm=[1, 0, 2, 3]), node("GatherND", ["c", "i"], ["d"]),
          node("Transpose", ["d"], ["b"], perm=[1, 0, 2, 3])],
         {"i": ints(7, 2).reshape(2, 1), "v": (2, 2, 1, 1)}, {(7, 0), (2, 1)}, 17),
        ([node("ScatterElements", ["a", "i", "u"], ["b"], axis=1)],
         {"i": ints(6, 0).reshape(1, 2, 1, 1), "u": np.zeros((1, 2, 1, 1))}, straight(8), 17),
        ([node("Compress", ["a", "m"], ["b"], axis=1)],
         {"m": np.array([1, 0, 0, 1, 0, 0, 0, 0], dtype=bool), "v": (2, 2, 1, 1)},
         {(0, 0), (3, 1)}, 17),
        ([node("TopK", ["a", "k"], ["b", "i"], axis=2)], {"k": ints(2)}, straight(8), 17),
        ([node("ReduceMax", ["a"], ["b"], axes=[2])], {}, straight(8), 17),
        ([node("ReduceMax", ["a", "i"], ["b"])], {"i": ints(2, 3)}, straight(8), 18),
        ([node("Squeeze", ["a"], ["c"], axes=[0]), node("Unsqueeze", ["c"], ["b"], axes=[0])], {},
         straight(8), 11),
        ([node("Squeeze", ["a", "i"], ["c"]), node("Unsqueeze", ["c", "i"], ["b"])],
         {"i": ints(0)}, straight(8), 17),
        ([node("SplitToSequence", ["a"], ["q"], axis=1), node("SequenceAt", ["q", "n"], ["c"]),
          node("SequenceConstruct", ["c", "c"], ["p"]),
          node("ConcatFromSequence", ["p"], ["b"], axis=1)],
         {"n": np.array(-2), "v": (2, 2, 1, 1)}, {(6, 0), (6, 1)}, 17),
        ([node("Expand", ["a", "e"], ["b"])], {"e": ints(3, 8, 4, 4)}, straight(8), 17),
        ([node("Where", ["m", "a", "z"], ["b"])],
         {"m": np.ones((1, 1, 4, 4), dtype=bool), "z": np.array(0.0)}, straight(8), 17),
    ],
)  # fmt: skip
def test_moves(
    between: list[Node], tensors: Mapping[str, Any], expected: Pairs, opset: int
) -> None:
    nodes = [node("Conv", ["x", "w"], ["a"]), *between, node("Conv", ["b", "v"], ["y"])]
    network = sole(made(nodes, {**IMAGE, **tensors}, inputs={"x": [1, 3, 4, 4]}, opset=opset))
    assert joined(network) == {("w", "v"): expected}


def test_a_window_reads_the_channels_that_lie_in_it() -> None:
    nodes = [
        linear("x", "a"),
        node("Unsqueeze", ["a", "one"], ["b"]),
        node("MaxPool", ["b"], ["c"], kernel_shape=[3], strides=[2], pads=[1, 0]),
        node("Squeeze", ["c", "one"], ["d"]),
        linear("d", "y", "v"),
    ]
    network = sole(made(nodes, {"w": (4, 6), "v": (3, 2), "one": ints(1)}))
    expected = {(0, 0), (1, 0), (1, 1), (2, 1), (3, 1), (3, 2), (4, 2), (5, 2)}
    assert joined(network) == {("w", "v"): expected}


# -- products


def test_einsum_with_heads_and_a_product_of_stacked_matrices() -> None:
    nodes = [
        node("Einsum", ["x", "q"], ["a"], equation="bsd,dhk->bshk"),
        node("Einsum", ["a", "o"], ["b"], equation="...hk,hkd->...d"),
        node("Reshape", ["b", "s"], ["c"]),
        node("MatMul", ["c", "e"], ["d"]),
        node("Reshape", ["d", "t"], ["f"]),
        linear("f", "y", "v"),
    ]
    tensors = {
        "q": np.random.default_rng(1).normal(size=(4, 2, 3)).astype(np.float32),
        "o": (2, 3, 6),
        "e": np.random.default_rng(2).normal(size=(2, 3, 5)).astype(np.float32),
        "v": (10, 2),
        "s": ints(7, 2, 1, 3),
        "t": ints(7, 10),
    }
    checkpoint = made(nodes, tensors, inputs={"x": [1, 7, 4]})
    network = sole(checkpoint)
    assert joined(network) == {
        ("q", "o"): straight(6),
        ("o", "e"): straight(6),
        ("e", "v"): straight(10),
    }
    first, _, stacked, _ = network.calls
    assert np.array_equal(
        kernels(checkpoint, first)[..., 0], np.asarray(tensors["q"]).reshape(4, 6).T
    )
    assert (stacked.groups, stacked.rows, stacked.columns) == (2, 10, 6)
    expected = np.asarray(tensors["e"]).transpose(0, 2, 1).reshape(10, 3)
    assert np.array_equal(kernels(checkpoint, stacked)[..., 0], expected)


def test_scaled_products_have_no_entries_and_computed_weights_neither() -> None:
    nodes = [
        node("Gemm", ["x", "w", "b"], ["a"], alpha=0.5, transB=1),
        node("ReduceL2", ["v"], ["n"], axes=[1]),
        node("Div", ["v", "n"], ["u"]),
        node("Gemm", ["a", "u"], ["y"], transB=1),
    ]
    network = sole(made(nodes, {"w": (6, 4), "b": (6,), "v": (3, 6)}))
    assert [(c.weight, c.layout, c.bias) for c in network.calls] == [
        ("w", None, "b"),
        ("v", None, None),
    ]
    assert joined(network) == {("w", "v"): straight(6)}


def test_a_product_of_two_constants_belongs_to_neither() -> None:
    nodes = [node("MatMul", ["p", "q"], ["w"]), linear("x", "a"), linear("a", "y", "v")]
    network = sole(made(nodes, {"p": (4, 2), "q": (2, 6), "v": (6, 3)}))
    assert [call.weight for call in network.calls] == ["v"]


def test_queries_meet_keys_and_values_pass_on() -> None:
    nodes = [
        *(node("MatMul", ["x", name], [f"{name}1"]) for name in "qkv"),
        node("Transpose", ["k1"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q1", "kt"], ["s"]),
        node("Softmax", ["s"], ["p"]),
        node("MatMul", ["p", "v1"], ["a"]),
        node("MatMul", ["a", "o"], ["y"]),
    ]
    tensors = {"q": (4, 6), "k": (4, 6), "v": (4, 5), "o": (5, 4)}
    network = sole(made(nodes, tensors, inputs={"x": [1, 7, 4]}))
    assert joined(network) == {("v", "o"): straight(5)}
    assert len(kinds(network, "meeting")) == 1
    group = {value.name: value.group for value in network.values}
    assert group["q"] == group["k"] != group["v"]


# -- recurrent layers


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("layout", [0, 1])
def test_recurrent_layers(kind: str, gates: int, layout: int) -> None:
    names = {"direction": "bidirectional", "hidden_size": 5, "layout": layout}
    join = [0, 2, 1, 3] if layout == 0 else [0, 1, 2, 3]
    nodes = [
        node(kind, ["x", "w", "r"], ["h", "last"], **names),
        node("Transpose", ["h"], ["t"], perm=join),
        node("Reshape", ["t", "s"], ["u"]),
        node("MatMul", ["u", "v"], ["y"]),
    ]
    weights = np.random.default_rng(0).normal(size=(2, gates * 5, 3)).astype(np.float32)
    tensors = {"w": weights, "r": (2, gates * 5, 5), "v": (10, 2), "s": ints(7, 1, 10)}
    shape = [7, 1, 3] if layout == 0 else [1, 7, 3]
    checkpoint = made(nodes, tensors, inputs={"x": shape}, opset=14)
    network = sole(checkpoint)
    calls = {call.name: call for call in network.calls}
    assert {call.delay for call in calls.values()} == {0, 1}
    into = [call for call in calls.values() if call.weight == "w"]
    for direction, call in enumerate(into):
        found = kernels(checkpoint, call)
        expected = weights[direction].reshape(gates, 5, 3).transpose(1, 0, 2).reshape(5, -1)
        assert np.array_equal(found[..., 0].reshape(5, -1), expected)
        assert call.layout is not None
    heads = {pair: columns for pair, columns in joined(network).items() if pair[1] == "v"}
    assert {name: columns for (name, _), columns in heads.items()} == {
        name: {(j, j + 5 * direction) for j in range(5)}
        for direction, call in enumerate(into)
        for name in (call.name, f"{call.name} (state)")
    }


def test_gates_that_a_file_reorders_and_an_initial_state() -> None:
    cut = [node("Slice", ["w", str(a), str(b)], [f"w{a}"]) for a, b in ((0, 4), (4, 8), (8, 12))]
    nodes = [
        *cut,
        node("Concat", ["w4", "w0", "w8"], ["w2"], axis=0),
        node("Unsqueeze", ["w2"], ["w3"], axes=[0]),
        node("MatMul", ["z", "i"], ["first"]),
        node("GRU", ["x", "w3", "r", "", "", "first"], ["h"], hidden_size=4),
        node("Squeeze", ["h"], ["a"], axes=[1]),
        node("MatMul", ["a", "v"], ["y"]),
    ]
    weights = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    tensors = {"w": weights, "r": (1, 12, 4), "v": (4, 2), "i": (6, 4)}
    tensors |= {str(n): ints(n) for n in (0, 4, 8, 12)}
    inputs = {"x": [7, 1, 3], "z": [1, 1, 6]}
    checkpoint = made(nodes, tensors, inputs=inputs, opset=11)
    network = sole(checkpoint)
    (call,) = (call for call in network.calls if call.weight == "w")
    found = kernels(checkpoint, call).reshape(4, 3, 3)
    assert np.array_equal(found, weights.reshape(3, 4, 3).transpose(1, 0, 2))
    assert joined(network)["i", "w (state)"] == straight(4)


# -- lookups


def test_an_embedding_and_its_tied_head() -> None:
    nodes = [
        node("Gather", ["e", "x"], ["a"]),
        node("Transpose", ["e"], ["t"], perm=[1, 0]),
        node("MatMul", ["a", "t"], ["y"]),
    ]
    network = sole(made(nodes, {"e": (9, 4)}, inputs={"x": [1, "n"]}))
    first, last = network.calls
    assert (first.kind, first.rows, first.columns, first.reads) == ("embedding", 4, 9, ())
    assert (last.weight, last.rows, last.columns) == ("e", 9, 4)
    assert first.layout is not None
    assert first.layout.strides[1:3] == (1, 4)
    assert list(joined(network).values()) == [straight(4)]


def test_tokens_that_are_routed_stay_what_they_are() -> None:
    nodes = [
        linear("x", "a"),
        linear("x", "g", "r"),
        node("TopK", ["g", "k"], ["best", "which"], axis=1),
        node("Equal", ["which", "k"], ["mine"]),
        node("Cast", ["mine"], ["number"], to=TensorProto.FLOAT),
        node("NonZero", ["number"], ["places"]),
        node("Transpose", ["places"], ["rows"]),
        node("GatherND", ["a", "rows0"], ["part"]),
        linear("part", "b", "v"),
        node("ScatterND", ["zeros", "rows0", "b"], ["y"]),
        node("Slice", ["rows", "zero", "one", "one"], ["rows0"]),
    ]
    tensors = {"w": (4, 4), "r": (4, 3), "v": (4, 4), "k": ints(1), "zeros": np.zeros((5, 4))}
    tensors |= {"zero": ints(0), "one": ints(1)}
    network = sole(made(nodes, tensors, inputs={"x": [5, 4]}))
    assert joined(network) == {("w", "v"): straight(4)}
    outputs = [value.name for value in network.values if value.is_output]
    assert outputs == ["v"]


# -- control flow


def graph(name: str, nodes: Sequence[Node], inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    return helper.make_graph(
        list(nodes),
        name,
        [info(n, TensorProto.FLOAT, None) for n in inputs],
        [info(n, TensorProto.FLOAT, None) for n in outputs],
    )


def branch(weight: str) -> Any:
    return graph("branch", [linear("a", "out", weight)], [], ["out"])


@pytest.mark.parametrize("constant", [None, True, False])
def test_branches_join_and_known_ones_are_taken(constant: bool | None) -> None:
    nodes = [
        linear("x", "a"),
        node("If", ["c"], ["b"], then_branch=branch("t"), else_branch=branch("e")),
        linear("b", "y", "v"),
    ]
    tensors: dict[str, Any] = {"w": (4, 4), "t": (4, 4), "e": (4, 4), "v": (4, 2)}
    inputs: dict[str, Any] = {"x": [1, 4], "c": []}
    if constant is not None:
        tensors["c"] = np.array(constant)
        del inputs["c"]
    network = sole(made(nodes, tensors, inputs=inputs))
    taken = {None: "te", True: "t", False: "e"}[constant]
    expected = {(a, b): straight(4) for name in taken for a, b in (("w", name), (name, "v"))}
    assert joined(network) == expected


def test_a_scan_carries_a_state_to_the_next_step() -> None:
    cell = [
        node("Concat", ["step", "state"], ["both"], axis=0),
        node("MatMul", ["both", "w"], ["new"]),
        node("Tanh", ["new"], ["next"]),
        node("Identity", ["next"], ["out"]),
    ]
    body = graph("cell", cell, ["state", "step"], ["next", "out"])
    nodes = [
        node("Scan", ["h", "x"], ["last", "all"], body=body, num_scan_inputs=1),
        node("MatMul", ["all", "v"], ["y"]),
    ]
    tensors = {"w": (7, 4), "v": (4, 2), "h": np.zeros(4)}
    network = sole(made(nodes, tensors, inputs={"x": [6, 3]}))
    by_tensor: dict[tuple[str, str], Pairs] = {}
    weights = {call.name: call.weight for call in network.calls}
    for (a, b), columns in joined(network).items():
        by_tensor.setdefault((weights[str(a)], weights[b]), set()).update(columns)
    assert by_tensor == {("w", "w"): {(i, 3 + i) for i in range(4)}, ("w", "v"): straight(4)}


def test_a_loop_hands_values_on() -> None:
    body = graph(
        "body",
        [linear("second", "first_", "w"), node("Identity", ["first"], ["second_"]),
         node("Identity", ["go"], ["go_"])],
        ["n", "go", "first", "second"],
        ["go_", "first_", "second_"],
    )  # fmt: skip
    nodes = [
        linear("x", "a", "i"),
        node("Loop", ["m", "", "x", "a"], ["p", "q"], body=body),
        linear("p", "y", "v"),
    ]
    tensors = {"w": (4, 4), "i": (4, 4), "v": (4, 2), "m": np.array(9)}
    found = built(made(nodes, tensors))
    (network,) = found.networks
    weights = {call.name: call.weight for call in network.calls}
    pairs = {(weights[str(a)], weights[b]) for a, b in joined(network)}
    assert pairs == {("i", "w"), ("w", "w"), ("w", "v")}


def test_functions_are_followed_in_line() -> None:
    function = helper.make_function(
        "com.x",
        "Layer",
        ["data", "weight"],
        ["result"],
        [
            helper.make_node("MatMul", ["data", "weight"], ["product"]),
            helper.make_node("LeakyRelu", ["product"], ["result"]),
        ],
        [helper.make_opsetid("", 17)],
    )
    nodes = [node("Layer", ["x", "w"], ["a"], domain="com.x"), linear("a", "y", "v")]
    network = sole(made(nodes, {"w": (4, 6), "v": (6, 2)}, functions=[function]))
    assert joined(network) == {("w", "v"): straight(6)}
    assert network.activation_of(network.calls[0]) == "leakyrelu"


# -- onnxruntime's operators


def test_fused_layers() -> None:
    nodes = [
        node("FusedConv", ["x", "w", "b"], ["a"], activation="Relu", **MS),
        node("GlobalAveragePool", ["a"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("FusedGemm", ["f", "g", "c"], ["d"], activation="Tanh", transB=1, **MS),
        node("FusedMatMul", ["d", "m"], ["e"], transB=1, **MS),
        node("BiasGelu", ["e", "bias"], ["h"], **MS),
        node("SkipLayerNormalization", ["h", "e", "s"], ["n"], **MS),
        linear("n", "y", "v"),
    ]
    tensors = {
        "w": (8, 3, 3, 3),
        "b": (8,),
        "g": (6, 8),
        "c": (6,),
        "m": (5, 6),
        "bias": (5,),
        "s": (5,),
        "v": (5, 2),
    }
    network = sole(made(nodes, tensors, inputs={"x": [1, 3, 9, 9]}))
    assert joined(network) == {
        ("w", "g"): straight(8),
        ("g", "m"): straight(6),
        ("m", "v"): straight(5),
    }
    names = [op.name for op in network.operations if isinstance(op, Activation)]
    assert names == ["relu", "tanh", "gelu"]
    assert [(n.kind, n.scale or n.shift) for n in norms(network)] == [
        ("affine", "bias"),
        ("layer", "s"),
    ]


def test_attention_as_one_operator() -> None:
    ids = [node("EmbedLayerNormalization", ["x", "", "word", "place", "", "g", "b"], ["e"], **MS)]
    nodes = [
        *ids,
        node("Attention", ["e", "qkv", "bias"], ["a"], num_heads=2, **MS),
        node("MatMul", ["a", "o"], ["y"]),
    ]
    tensors = {"word": (9, 6), "place": (5, 6), "g": (6,), "b": (6,), "qkv": (6, 18), "o": (6, 6)}
    network = sole(made(nodes, {**tensors, "bias": (18,)}, inputs={"x": [1, 5]}))
    assert joined(network) == {
        ("word", "qkv"): straight(6),
        ("place", "qkv"): straight(6),
        ("qkv", "o"): {(12 + i, i) for i in range(6)},
    }
    (meeting,) = kinds(network, "meeting")
    assert meeting.heads == 2
    assert network.calls[2].bias == "bias"


@pytest.mark.parametrize("packed", [False, True])
def test_grouped_queries_that_are_rotated(packed: bool) -> None:
    heads = {"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1, **MS}
    rest = ["", "", "", "", "cos", "cos"]
    if packed:
        front = [node("MatMul", ["x", "qkv"], ["p"])]
        read = ["p", "", ""]
        tensors: dict[str, Any] = {"qkv": (6, 32)}
    else:
        front = [node("MatMul", ["x", name], [f"{name}1"]) for name in "qkv"]
        read = ["q1", "k1", "v1"]
        tensors = {"q": (6, 16), "k": (6, 8), "v": (6, 8)}
    nodes = [
        *front,
        node("GroupQueryAttention", [*read, *rest], ["a"], **heads),
        node("MatMul", ["a", "o"], ["y"]),
    ]
    network = sole(made(nodes, {**tensors, "o": (16, 3), "cos": (9, 2)}, inputs={"x": [1, 5, 6]}))
    shared = {
        (j + 4 * h, j + 4 * i) for h in range(2) for i in (2 * h, 2 * h + 1) for j in range(4)
    }
    first = 24 if packed else 0
    name = "qkv" if packed else "v"
    assert joined(network) == {(name, "o"): {(first + c, k) for c, k in shared}}
    value = next(v for v in network.values if v.name == ("qkv" if packed else "q"))
    group = network.group(value.group)
    assert group.size < value.size + 8  # rotary pairs, and heads that share a key, are coupled


def test_multi_head_attention_and_onnx_s_own() -> None:
    front = [node("MatMul", ["x", name], [f"{name}1"]) for name in "qkv"]
    tensors = {"q": (6, 8), "k": (6, 8), "v": (6, 8), "o": (8, 3), "bias": (24,)}
    inputs = {"x": [1, 5, 6]}
    theirs = [
        *front,
        node("MultiHeadAttention", ["q1", "k1", "v1", "bias"], ["a"], num_heads=2, **MS),
        node("MatMul", ["a", "o"], ["y"]),
    ]
    own = [
        *front,
        node("Attention", ["q1", "k1", "v1"], ["a"], q_num_heads=2, kv_num_heads=2),
        node("MatMul", ["a", "o"], ["y"]),
    ]
    for nodes in (theirs, own):
        network = sole(made(nodes, tensors, inputs=inputs, opset=23))
        assert joined(network) == {("v", "o"): straight(8)}
        assert kinds(network, "meeting")[0].heads == 2
    shifts = norms(sole(made(theirs, tensors, inputs=inputs, opset=23)))
    assert [norm.elements[0].start for norm in shifts] == [0, 8, 16]


# -- quantised operators

SCALE = {"s": np.array(0.1, dtype=np.float32), "z": np.array(0, dtype=np.uint8)}
CODES = np.arange(24, dtype=np.uint8)


def test_quantised_convolutions_and_products() -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["a"]),
        node("QLinearConv", ["a", "s", "z", "w", "s", "z", "s", "z", "b"], ["c"]),
        node("QLinearGlobalAveragePool", ["c", "s", "z", "s", "z"], ["p"], **MS),
        node("Flatten", ["p"], ["f"]),
        node("QLinearMatMul", ["f", "s", "z", "m", "s", "z", "s", "z"], ["d"]),
        node("QGemm", ["d", "s", "z", "g", "s", "z", "", "s", "z"], ["e"], **MS),
        node("QLinearAdd", ["e", "s", "z", "e", "s", "z", "s", "z"], ["h"], **MS),
        node("DequantizeLinear", ["h", "s", "z"], ["i"]),
        node("DynamicQuantizeLinear", ["i"], ["j", "js", "jz"]),
        node("MatMulInteger", ["j", "v"], ["k"]),
        node("Cast", ["k"], ["l"], to=TensorProto.FLOAT),
        node("Mul", ["l", "js"], ["n"]),
        node("Add", ["n", "t"], ["y"]),
    ]
    tensors = {
        **SCALE,
        "w": CODES.reshape(8, 3, 1, 1),
        "b": np.zeros(8, dtype=np.int32),
        "m": CODES.reshape(8, 3),
        "g": CODES[:15].reshape(3, 5),
        "v": CODES[:10].reshape(5, 2),
        "t": (2,),
    }
    network = sole(made(nodes, tensors, inputs={"x": [1, 3, 4, 4]}))
    assert joined(network) == {
        ("w", "m"): straight(8),
        ("m", "g"): straight(3),
        ("g", "v"): straight(5),
    }
    assert [call.bias for call in network.calls] == ["b", None, None, "t"]


def test_weights_that_are_dequantised_or_packed() -> None:
    codes = np.arange(24, dtype=np.int8).reshape(4, 6)
    nodes = [
        node("DequantizeLinear", ["w", "scales", "zeros"], ["w1"], axis=1),
        node("MatMul", ["x", "w1"], ["a"]),
        node("QuantizeLinear", ["a", "s", "z"], ["b"]),
        node("DequantizeLinear", ["b", "s", "z"], ["c"]),
        node("MatMulNBits", ["c", "p", "q"], ["y"], K=6, N=3, bits=4, block_size=16, **MS),
    ]
    tensors = {
        **SCALE,
        "w": codes,
        "scales": np.ones(6, dtype=np.float32),
        "zeros": np.zeros(6, dtype=np.int8),
        "p": np.zeros((3, 1, 8), dtype=np.uint8),
        "q": np.ones(3, dtype=np.float32),
    }
    checkpoint = made(nodes, tensors)
    network = sole(checkpoint)
    assert joined(network) == {("w", "p"): straight(6)}
    assert np.array_equal(kernels(checkpoint, network.calls[0])[..., 0], codes.T)
    assert network.calls[1].shape == (3, 6)


# -- sizes


@pytest.mark.parametrize("shape", [None, [None, None, None, None], ["batch", "rows", "columns", 3]])
def test_sizes_that_a_file_leaves_open(shape: Sequence[int | str | None] | None) -> None:
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        node("Conv", ["t", "w"], ["a"], strides=[2, 2]),
        node("GlobalMaxPool", ["a"], ["p"]),
        node("Conv", ["p", "v"], ["y"]),
    ]
    tensors = {"w": (8, 3, 7, 7), "v": (2, 8, 1, 1)}
    checkpoint = made(nodes, tensors, inputs={"x": shape})
    if shape is None:
        del checkpoint.graph.model.graph.input[0].type.tensor_type.shape.dim[:]
        checkpoint.graph.model.graph.input[0].type.tensor_type.ClearField("shape")
    assert edges(sole(checkpoint)) == {(None, "w"): straight(3), ("w", "v"): straight(8)}


def test_a_size_that_only_one_choice_fits() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Flatten", ["a"], ["f"]),
        linear("f", "y", "v"),
    ]
    tensors = {"w": (2, 3, 1, 1), "v": (2 * 224 * 224, 2)}
    network = sole(made(nodes, tensors, inputs={"x": [1, 3, "h", "w"]}))
    (span,) = network.calls[1].reads
    assert (len(span.channels), span.each) == (2, 224 * 224)


# -- limits


def nested(depth: int) -> Any:
    inner = [linear("x", "out")] if not depth else [
        node("Loop", ["m", "", "x"], ["out"], body=nested(depth - 1))
    ]  # fmt: skip
    kept = [node("Identity", ["go"], ["go_"])]
    return graph("body", [*inner, *kept], ["n", "go", f"v{depth}"], ["go_", "out"])


@pytest.mark.parametrize(
    ("nodes", "tensors"),
    [
        ([node("Expand", ["x", "e"], ["a"]), linear("a", "y")], {"e": ints(1 << 39, 4)}),
        ([node("Tile", ["x", "e"], ["a"]), linear("a", "y")], {"e": ints(1, 1 << 40)}),
        ([linear("x", "a"), node("Tile", ["a", "e"], ["b"]), linear("b", "y")],
         {"e": ints(1, 1 << 40)}),
        ([linear("x", "a"), node("Pad", ["a", "e"], ["b"]), linear("b", "y")],
         {"e": ints(0, 1 << 40, 0, 1 << 40)}),
        ([node("ConstantOfShape", ["e"], ["w2"]), node("MatMul", ["x", "w2"], ["y"])],
         {"e": ints(1 << 31, 1 << 31)}),
        ([node("Range", ["e", "f", "g"], ["r"]), node("Gather", ["w", "r"], ["a"]),
          node("Add", ["a", "x"], ["y"])],
         {"e": np.array(0), "f": np.array(1 << 60), "g": np.array(1)}),
        ([node("Reshape", ["x", "e"], ["a"]), linear("a", "y")], {"e": ints(-7, -9)}),
        ([node("Gather", ["x", "e"], ["a"], axis=99), linear("a", "y")], {"e": ints(0)}),
        ([node("Einsum", ["x", "w"], ["a"], equation="ii,->->..,"), linear("a", "y")], {}),
        ([node("Resize", ["x", "", "f"], ["a"]), linear("a", "y")],
         {"f": np.array([1e30, np.nan])}),
        ([node("Conv", ["x", "w"], ["y"], group=-5, strides=[0, 0])], {"w": (4, 4, 1, 1)}),
        ([node("Loop", ["m", "", "x"], ["y"], body=nested(16))], {"m": np.array(1 << 40)}),
        ([node("Split", ["x"], ["a", "b"], num_outputs=1 << 50), linear("a", "y")], {}),
        ([node("Transpose", ["x"], ["a"], perm=[7, 7]), linear("a", "y")], {}),
    ],
)  # fmt: skip
def test_hostile_graphs_end_in_a_reason(nodes: list[Node], tensors: Mapping[str, Any]) -> None:
    found = built(made(nodes, {"w": (4, 4), **tensors}, opset=18))
    assert found.networks
    assert all(len(unplaced.reason) < 300 for unplaced in found.unplaced)


def test_a_function_that_calls_itself_ends() -> None:
    function = helper.make_function(
        "com.x", "F", ["a"], ["b"],
        [helper.make_node("F", ["a"], ["c"], domain="com.x"),
         helper.make_node("F", ["c"], ["b"], domain="com.x")],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [node("F", ["x"], ["a"], domain="com.x"), linear("a", "y")]
    found = built(made(nodes, {"w": (4, 4)}, functions=[function]))
    assert [unplaced.tensor for unplaced in found.unplaced] == ["w"]


def test_every_graph_of_onnx_s_backend_goes_through(shared: Path, tmp_path: Path) -> None:
    import tarfile

    archive = shared / "onnx_backend.tar.xz"
    if not archive.exists():
        pytest.skip("the backend's graphs are not beside the repository")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    paths = sorted(tmp_path.rglob("*.onnx"))
    assert len(paths) > 2000
    for path in paths:
        checkpoint = OnnxReader().read(open_source(path))
        found = OnnxGraphBuilder().build(checkpoint)
        assert found is not None
        assert found.networks


@pytest.mark.filterwarnings("ignore")
def test_shared_and_stacked_recurrent_layers_of_torch(tmp_path: Path) -> None:
    class Stacked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4, 2, bidirectional=True)
            self.out = nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result = self.out(self.lstm(x)[0])
            assert isinstance(result, torch.Tensor)
            return result

    network = sole(exported(tmp_path / "m.onnx", Stacked(), 7, 1, 3))
    into = [call for call in network.calls if call.delay == 0 and call.kind == "recurrent"]
    assert [call.columns for call in into] == [3, 3, 8, 8]
    second = {a for (a, b) in joined(network) if b == into[2].name}
    assert second == {call.name for call in network.calls[:4]}


def test_a_gate_of_many_channels_is_a_neuron_of_its_own() -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Conv", ["a", "s"], ["b"]),
        node("Sigmoid", ["b"], ["c"]),
        node("Mul", ["a", "c"], ["d"]),
        node("GlobalAveragePool", ["d"], ["p"]),
        node("Conv", ["p", "e"], ["f"]),
        node("Mul", ["d", "f"], ["g"]),
        node("Conv", ["g", "v"], ["y"]),
    ]
    tensors = {"w": (8, 3, 1, 1), "s": (1, 8, 1, 1), "e": (8, 8, 1, 1), "v": (2, 8, 1, 1)}
    network = sole(made(nodes, tensors, inputs={"x": [1, 3, 4, 4]}))
    assert joined(network)["s", "v"] == {(0, c) for c in range(8)}
    group = {value.name: value.group for value in network.values}
    assert group["w"] == group["e"] != group["s"]  # a gate for each channel is one with it
    assert [network.group(group[name]).size for name in "ws"] == [8, 1]
